// SPDX-License-Identifier: MIT
/** What a page cannot do itself, for the cases about the life of pages: sleep as the machine does, be frozen, be hidden. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Chromium's DevTools protocol on the two pipes of --remote-debugging-pipe: messages in JSON that end with a zero byte. */
function devTools([input, output]) {
  const waiting = new Map();
  let last = 0;
  let rest = '';
  output.setEncoding('utf8').on('data', (text) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error) reject?.(new Error(error.message));
      else resolve?.(result);
    }
  });
  return (method, params = {}, sessionId) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    input.write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
  });
}

/**
 * Of a browser that start() started: a function that carries out {what, ms}, and resolves with false if it cannot:
 * - sleep: no process of the browser runs for that time,
 * - freeze: the page is hidden and frozen for that time,
 * - hide: another tab is in front of it for that time.
 */
export function driver({ signal, pipes }) {
  const tools = pipes.length > 0 ? devTools(pipes) : undefined;
  return async ({ what, ms }) => {
    if (what === 'sleep') {
      signal('SIGSTOP');
      await sleep(ms);
      signal('SIGCONT');
      return true;
    }
    if (!tools) return false;
    const { targetInfos } = await tools('Target.getTargets');
    const { targetId } = targetInfos.find(({ type }) => type === 'page');
    if (what === 'hide') {
      const { targetId: front } = await tools('Target.createTarget', { url: 'about:blank' });
      await sleep(ms);
      await tools('Target.closeTarget', { targetId: front });
      await tools('Target.activateTarget', { targetId });
      return true;
    }
    const { sessionId } = await tools('Target.attachToTarget', { targetId, flatten: true });
    await tools('Page.enable', {}, sessionId);
    await tools('Page.setWebLifecycleState', { state: 'frozen' }, sessionId);
    await sleep(ms);
    await tools('Page.setWebLifecycleState', { state: 'active' }, sessionId);
    await tools('Page.bringToFront', {}, sessionId);
    await tools('Target.detachFromTarget', { sessionId });
    return true;
  };
}

// SPDX-License-Identifier: MIT
/** The runtimes: where they are installed and how a case is started on each. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { driver } from './drive.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));
const installed = join(process.env.AIO_RUNTIMES ?? join(top, '.runtimes'), 'bin');

/** The first of these programs that is on the path or, if it has a slash, exists. */
function find(...names) {
  const places = names.flatMap((name) => name.includes('/') ? [name] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name)));
  return places.find((place) => existsSync(place));
}

/**
 * Starts a program in a process group of its own. output() is what it has printed so far, signal() sends a signal to the whole group,
 * end() kills it and resolves when it is gone. pipes: its fds 3 and 4 are pipes.
 */
export function start(command, env = {}, pipes = false) {
  const child = spawn(command[0], command.slice(1), {
    cwd: top, stdio: ['ignore', 'pipe', 'pipe', ...(pipes ? ['pipe', 'pipe'] : [])], detached: true, env: { ...process.env, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more) => (text += more));
  let over = false;
  const ended = new Promise((resolve) => {
    child.on('error', (error) => {
      text += String(error);
      over = true;
      resolve({ code: null, signal: 'not started' });
    });
    child.on('close', (code, signal) => {
      over = true;
      resolve({ code, signal });
    });
  });
  const signal = (name) => {
    if (over) return;
    try {
      process.kill(-child.pid, name);
    } catch {
      // It ended by itself just now.
    }
  };
  return {
    ended, signal,
    output: () => text,
    pipes: pipes ? child.stdio.slice(3) : [],
    async end() {
      signal('SIGKILL');
      await ended;
    },
  };
}

/** A runtime that runs scripts: one process for each case. */
function program(name, args = []) {
  // The Node that runs this is one of them, too.
  const own = ['node', `node${process.versions.node.split('.')[0]}`].includes(name) ? process.execPath : undefined;
  const path = own ?? find(join(installed, name), name);
  return { name, kind: 'program', path, command: (...rest) => [path, ...args, ...rest] };
}

/** A browser: one process for that many cases, which its page fetches one after the other. */
function browser(name, path, open, lasts = Infinity) {
  return {
    name, kind: 'browser', path, lasts,
    /** Opens a page with a fresh profile. */
    open(url) {
      const profile = mkdtempSync(join(tmpdir(), `wasm-aio-${name}-`));
      const { command, env, pipes } = open(profile, url);
      const started = start([path, ...command], { HOME: profile, XDG_CACHE_HOME: profile, XDG_CONFIG_HOME: profile, XDG_DATA_HOME: profile, ...env }, pipes);
      return {
        ...started,
        drive: driver(started),
        async end() {
          // The X server of a browser that needs one removes its lock by itself; what does not end in time is killed.
          started.signal('SIGTERM');
          await Promise.race([started.ended, sleep(1000, undefined, { ref: false })]);
          await started.end();
          rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
        },
      };
    },
  };
}

/** Nothing but the page: no first-run pages, no updates, no reports. */
const FIREFOX_PREFERENCES = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.tabs.warnOnClose': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.reportingpolicy.firstRun': false,
};

const miniBrowser = find(...['x86_64', 'aarch64'].flatMap((cpu) =>
  ['4.1', '4.0'].map((version) => `/usr/lib/${cpu}-linux-gnu/webkit2gtk-${version}/MiniBrowser`)));

export const runtimes = [
  program('node'),
  program('node20'), program('node22'), program('node24'), program('node26'),
  program('deno', ['run', '-A']), program('bun'),
  browser('chromium', find('chromium', 'chromium-browser', 'google-chrome'), (profile, url) => ({
    command: [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--remote-debugging-pipe', `--user-data-dir=${profile}`, url,
    ],
    pipes: true,
  })),
  browser('firefox', find('firefox-esr', 'firefox'), (profile, url) => {
    const line = ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`;
    writeFileSync(join(profile, 'user.js'), Object.entries(FIREFOX_PREFERENCES).map(line).join(''));
    return { command: ['--headless', '--no-remote', '--profile', profile, url] };
  }),
  // It has no headless mode; shared memory is behind a flag there. A process that loads page after page with shared memory gives back
  // that of earlier pages late, and at last refuses a page's (or lets a worker of it stop for ever); so a process has two cases.
  browser('webkit', miniBrowser && find('xvfb-run'), (profile, url) => ({
    command: ['-a', miniBrowser, url], env: { JSC_useSharedArrayBuffer: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1' },
  }), 2),
];

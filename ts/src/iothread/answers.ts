// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import type { ContextPointer } from '../runtime/exports.js';
import type { HostedLoop } from '../runtime/hosted.js';
import type { Instance } from '../runtime/instance.js';

/** What rt_hosted_look() has found: RtFound in wasm/runtime/runtime.c. */
const Found = { nothing: 0, atOnce: 1 } as const;
/** So many ns a look lasts at most. Being woken by the event loop takes about as long. */
const LOOK_NS = 30_000;
/** After so many ms of turns that looks have caused, the other tasks of the event loop have theirs before the next look. */
const OTHERS_MS = 1;
/** After many looks in vain, one of 2 ** SELDOM lasts; the others only see what is there already. */
const SELDOM = 6;

/** Looks for answers of other threads on behalf of a hosted loop, before that sleeps and has to be woken. */
export class Answers {
  private looking = false;
  /** Looks so far, and how many of those that lasted were in vain since one was not. */
  private looks = 0;
  private misses = 0;

  constructor(private readonly instance: Instance, private readonly context: ContextPointer, private readonly host: HostBase, private readonly loop: HostedLoop) {}

  /** Something was sent to another thread. The loop looks for an answer when the code that runs now has finished. */
  expect(): void {
    const { host, loop } = this;
    if (this.looking || loop.stopped) return;
    this.looking = true;
    void Promise.resolve().then(() => {
      if (performance.now() - loop.lastTask < OTHERS_MS) return this.look();
      void host.turn().then(() => {
        loop.lastTask = performance.now();
        this.look();
      });
    });
  }

  private look(): void {
    const { instance, context, loop } = this;
    this.looking = false;
    // A turn that is queued takes what there is.
    if (loop.stopped || loop.queued) return;
    const lasts = ++this.looks % 2 ** this.misses === 0;
    const found = instance.exports.rt_hosted_look(context, lasts ? LOOK_NS : 0);
    if (lasts && found !== Found.atOnce) this.misses = found === Found.nothing ? Math.min(this.misses + 1, SELDOM) : 0;
    if (found === Found.nothing) return;
    const { lastTask } = loop;
    loop.run();
    loop.lastTask = lastTask;
  }
}

// SPDX-License-Identifier: MIT
import { messageOf } from '../errors.js';
import { EVENT_SLEEPING } from './exports.js';
import { makeWaiter } from './waiter.js';
/** How often, in ms, a thread that may oversleep is given something to do; at most, after it has overslept. */
const TICK_MS = 1000;
const QUICK_TICK_MS = 30;
/** No healthy event loop takes so many ms to wake up. */
const OVERSLEPT_MS = 5;
/**
 * Drives a context from this thread's JavaScript event loop, in place of GLib's main loop: prepare, wait for the
 * notifier, check, dispatch.
 *
 * At most one wait is outstanding at a time. It stays until it fires, even if something else causes a turn before.
 */
export class HostedLoop {
    instance;
    context;
    host;
    onError;
    waiter;
    alive;
    word;
    armed = false;
    /** A turn is queued. */
    queued = false;
    stopped = true;
    /** When the latest turn began, in ms; not counting those that answers.ts causes, which are no tasks of the event loop. */
    lastTask = 0;
    abandoned = false;
    timer;
    ticks;
    whenFired;
    takers = new Set();
    /** onError gets an error that a turn threw, or that keeps the loop from being woken up. The loop has stopped then. */
    constructor(instance, context, host, startHelper, onError) {
        this.instance = instance;
        this.context = context;
        this.host = host;
        this.onError = onError;
        this.word = instance.memory.word(instance.exports.rt_hosted_word(context));
        this.waiter = makeWaiter(this.word, startHelper, this.fired, (error) => {
            this.fail(new Error(`cannot start the helper worker that stands in for Atomics.waitAsync: ${messageOf(error)}`));
        });
        this.alive = host.keepAlive?.();
    }
    /** Starts the loop, also after stop(). */
    start() {
        this.stopped = false;
        if (this.host.oversleeps)
            this.tick(TICK_MS);
        this.run();
    }
    /** Lets the event loop wake up now and then, which is what a wake-up that was lost needs; the more often, the more of them were. */
    tick(ms) {
        clearInterval(this.ticks);
        this.ticks = setInterval(() => {
            const wasNotified = this.armed && Atomics.load(this.word, 0) !== EVENT_SLEEPING;
            if (!wasNotified || performance.now() - this.lastTask < OVERSLEPT_MS)
                return;
            if (ms > QUICK_TICK_MS)
                this.tick(ms / 2);
            this.run();
        }, ms);
    }
    /** Sets whether the loop keeps the process alive, on hosts that have a process. At first it does not. */
    keepAlive(on) {
        if (on)
            this.alive?.ref();
        else
            this.alive?.unref();
    }
    /** Stops the loop, and resolves when no wait of it is outstanding. */
    async stop() {
        this.halt();
        if (this.armed && !this.abandoned) {
            // The promise that is awaited here does not keep the process alive by itself.
            this.keepAlive(true);
            const fired = new Promise((resolve) => (this.whenFired = resolve));
            this.instance.exports.rt_notify(this.context);
            // If a turn was cut short, the word still says that the loop is awake, so that rt_notify() did not notify it.
            Atomics.notify(this.word, 0);
            await fired;
        }
        this.keepAlive(false);
    }
    /** Stops the loop for good. */
    async close() {
        await this.stop();
        this.waiter.close();
    }
    /** Stops the loop without a call into the module, after the runtime has failed. */
    abandon() {
        this.abandoned = true;
        this.halt();
        this.keepAlive(false);
        this.whenFired?.();
        this.waiter.close();
    }
    halt() {
        this.stopped = true;
        clearTimeout(this.timer);
        clearInterval(this.ticks);
    }
    fail(error) {
        this.abandon();
        this.onError(error);
    }
    /** Runs a turn now. */
    run = () => {
        if (this.stopped)
            return;
        clearTimeout(this.timer);
        this.timer = undefined;
        this.lastTask = performance.now();
        try {
            this.turn();
        }
        catch (error) {
            this.fail(error);
        }
    };
    turn() {
        for (const taker of this.takers)
            taker.mark();
        const timeout = this.instance.exports.rt_hosted_turn(this.context);
        let more = timeout === 0;
        for (const taker of this.takers)
            more = taker.take() || more;
        if (this.stopped)
            return;
        if (more || !(this.armed ||= this.waiter.arm(EVENT_SLEEPING)))
            return this.queue();
        if (timeout > 0)
            this.sleep(timeout);
    }
    sleep(ms) {
        this.timer = setTimeout(this.run, ms);
        // Only keepAlive() decides whether the process stays alive. (In a page a timer is a number.)
        this.timer.unref?.();
    }
    fired = () => {
        this.armed = false;
        this.whenFired?.();
        this.run();
    };
    /** Schedules the next turn after all other tasks that are waiting. */
    queue() {
        if (this.queued)
            return;
        this.queued = true;
        void this.host.turn().then(() => {
            this.queued = false;
            this.run();
        });
    }
}
//# sourceMappingURL=hosted.js.map
// SPDX-License-Identifier: MIT
/** WASI calls for arguments, clocks, and the end of the program. */
import { Clock, fail } from './abi.js';
import * as E from './wasi-errno.js';
/** Thrown through the module by proc_exit and proc_raise. */
export class ProcessExit extends Error {
    exitCode;
    signal;
    constructor(exitCode, signal) {
        super(signal === undefined ? `exit ${exitCode}` : `signal ${signal}`);
        this.exitCode = exitCode;
        this.signal = signal;
        this.name = 'ProcessExit';
    }
}
/** The time of a clock, in ns; undefined if there is no such clock. */
export function clockNow(thread, clock) {
    if (clock === Clock.realtime)
        return thread.realtime?.() ?? BigInt(Date.now()) * 1000000n;
    if (clock === Clock.monotonic)
        return BigInt(Math.round(thread.host.monotonic()));
    return undefined;
}
/** Makes the two calls by which a module gets a list of texts: one for their sizes, one for the texts. */
export function textCalls(memory, list) {
    const texts = list.map((text) => new TextEncoder().encode(`${text}\0`));
    return {
        sizes(count, size) {
            memory.setU32(count, texts.length);
            memory.setU32(size, texts.reduce((sum, text) => sum + text.length, 0));
        },
        get(pointers, buffer) {
            let pointer = pointers >>> 0;
            let at = buffer >>> 0;
            for (const text of texts) {
                memory.setU32(pointer, at);
                memory.bytes(at, text.length).set(text);
                pointer += 4;
                at += text.length;
            }
        },
    };
}
/** Makes the calls that every module built by aiocc imports. */
export function processCalls(thread) {
    const { memory, config } = thread;
    const args = textCalls(memory, config.args);
    return {
        args_sizes_get: args.sizes,
        args_get: args.get,
        clock_time_get(clock, _precision, time) {
            // Most programs ask for this clock, and often.
            if (clock === Clock.monotonic)
                memory.setWhole(time, Math.round(thread.host.monotonic()));
            else
                memory.setU64(time, clockNow(thread, clock) ?? fail(E.INVAL));
        },
        proc_exit(code) {
            throw new ProcessExit(code >>> 0);
        },
    };
}
//# sourceMappingURL=process.js.map
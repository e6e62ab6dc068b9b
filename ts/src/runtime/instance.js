// SPDX-License-Identifier: MIT
import { errorCodes } from '../error-codes.js';
import { errnoName } from '../errno.js';
import { AioError, noMemory } from '../errors.js';
import { Panic, ThreadLeave } from './death.js';
import { noteEscapes } from './escape.js';
import { Memory } from './memory.js';
const hex = (address) => `0x${(address >>> 0).toString(16)}`;
/**
 * Instantiates the module in this thread. Each thread has an instance of its own: code and memory are shared, but
 * globals (the stack pointer and the stack's limits) and tables are not.
 */
export async function instantiate(module, shared, host, hooks) {
    const memory = new Memory(shared);
    const system = hooks.system(memory);
    const env = {
        ...system.env,
        memory: shared,
        clock_ns: (clock) => (clock === 0 ? host.monotonic() : Date.now() * 1e6),
        start_worker: (thread) => hooks.startWorker(thread),
        complete: (id, result) => hooks.complete(id, result),
        callback: (id) => hooks.callback(id),
        raise(code, message) {
            const name = errorCodes[code] ?? 'ERR_AIO_PANIC';
            throw name === 'ERR_AIO_PANIC' ? new Panic(memory.string(message)) : new AioError(name, memory.string(message));
        },
        // The stack pointer still has its old value, so that functions without a stack frame can be called.
        stack_overflow(sp) {
            const { exports } = made;
            const at = `stack overflow (at ${hex(sp)})`;
            const coroutine = exports.rt_coroutine_running();
            if (coroutine === 0)
                throw new Panic(at);
            const name = memory.string(exports.rt_coroutine_name(coroutine));
            const size = exports.rt_coroutine_stack_size(coroutine);
            throw new Panic(`${at}: coroutine ${hex(coroutine)} '${name}' needs more than its C stack of ${size} bytes: ` +
                'qemu_coroutine_set_stack_size makes it larger');
        },
        leave() {
            throw new ThreadLeave();
        },
    };
    let instance;
    const made = { exports: {}, memory, escaped: undefined };
    try {
        instance = await WebAssembly.instantiate(module, { env, wasi_snapshot_preview1: system.calls });
    }
    catch (error) {
        throw new AioError('ERR_AIO_MODULE', `the WebAssembly module does not fit this runtime: ${String(error)}`, {
            cause: error,
        });
    }
    const exports = (made.exports = noteEscapes(instance.exports, made));
    system.whenReady?.(exports.rt_fd_ready);
    return made;
}
/** Copies a text to C's heap as a C string, which the caller frees. */
export function cString({ exports, memory }, text) {
    const bytes = new TextEncoder().encode(`${text}\0`);
    const pointer = exports.rt_malloc(bytes.length);
    if (pointer === 0)
        throw noMemory(`${bytes.length} bytes`);
    memory.bytes.set(bytes, pointer);
    return pointer;
}
/** True if C has refused something because there was no room for it. */
export const isFull = (errno) => errno === 'ENOMEM' || errno === 'EMFILE';
/** The error for something that C has refused, with C's own message. what: describes it if there was no room for it. */
export function refusal({ exports, memory }, what) {
    const errno = errnoName(exports.rt_error_errno());
    return isFull(errno) ? noMemory(what, errno) : new AioError('ERR_AIO_INVALID_ARG', memory.string(exports.rt_error_text()));
}
//# sourceMappingURL=instance.js.map
/** What a worker is used for; the numbers are those of wasm/port/wasm-port.h. */
export const Role = { end: 2, run: 3, ioThread: 4, hostIO: 5 };
/** The engines' numbers in core-c/include/block/raw-aio.h. */
export const Engine = { threads: 0, native: 1, io_uring: 2, sync: 3 };
/** The kinds of requests: QEMU_AIO_... in the same header. */
export const Operation = { read: 1, write: 2, flush: 4 };
/** The value of a loop's notifier word while the loop sleeps; wasm/port/wasm-port.h. */
export const EVENT_SLEEPING = 2;
//# sourceMappingURL=exports.js.map
// SPDX-License-Identifier: MIT
// Made by `node test/api/generate.mjs` from wasm/port/error-codes.def; do not edit.
/** By the number that C has for each. @internal */
export const errorCodes = [
    'ERR_AIO_PANIC',
    'ERR_AIO_WOULD_BLOCK',
    'ERR_AIO_CLOSED',
    'ERR_AIO_CANCELED',
    'ERR_AIO_THREAD_LIMIT',
    'ERR_AIO_IO',
    'ERR_AIO_INVALID_ARG',
    'ERR_AIO_TIMEOUT',
    'ERR_AIO_NO_MEMORY',
    'ERR_AIO_UNSUPPORTED',
    'ERR_AIO_MODULE',
    'ERR_AIO_THREAD_LOST',
    'ERR_AIO_QUEUE_FULL',
    'ERR_AIO_DEADLOCK',
];
//# sourceMappingURL=error-codes.js.map
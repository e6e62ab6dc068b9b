/* SPDX-License-Identifier: MIT */
#ifndef AIO_MACHINE_WASM_H
#define AIO_MACHINE_WASM_H
/* What the headers in core-c/include ask about the machine: aiocc names this file
 * (AIO_MACHINE_H). */

/* There are no relaxed accesses: see qemu/atomic.h. */
#define AIO_RELAXED_IS_PLAIN 1
/* A module has exports: see aio/export.h. */
#define AIO_HAS_EXPORTS 1

#endif

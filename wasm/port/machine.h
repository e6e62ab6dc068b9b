/* SPDX-License-Identifier: MIT */
#ifndef AIO_MACHINE_WASM_H
#define AIO_MACHINE_WASM_H
/* Describes the machine for the headers in core-c/include: aiocc names this file
 * (AIO_MACHINE_H). */

/* WebAssembly has no relaxed accesses: see qemu/atomic.h. */
#define AIO_RELAXED_IS_PLAIN 1
/* A module has exports: see aio/export.h. */
#define AIO_HAS_EXPORTS 1

#endif

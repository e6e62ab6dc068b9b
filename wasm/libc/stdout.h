/* SPDX-License-Identifier: MIT */
#ifndef WASM_LIBC_STDOUT_H
#define WASM_LIBC_STDOUT_H

/* Decides how standard output is buffered. Called before main(). aiocc links it where there is a main(); the module that
 * TypeScript drives alone is smaller without it. */
void stdout_begin(void) __attribute__((weak));

#endif

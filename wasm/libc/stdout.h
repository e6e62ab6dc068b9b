/* SPDX-License-Identifier: MIT */
#ifndef WASM_LIBC_STDOUT_H
#define WASM_LIBC_STDOUT_H

/* Decides how standard output is buffered. Called before main(). */
void stdout_begin(void);

#endif

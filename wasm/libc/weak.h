/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WEAK_H
#define LIBC_WEAK_H
/*
 * Marks a function whose name C leaves to the program. A file of libaiolibc.a is linked
 * when anything in it is needed; but a program that calls send() may still define an
 * accept() of its own. The library itself does not call these functions.
 */
#define LIBC_WEAK __attribute__((weak))

/*
 * Defines NAME beside __wrap_NAME, by which the linker replaces it (wrapped.txt). No call gets here. But the linker knows the type of a
 * function only from a definition, and without it accepts a call that was compiled without a declaration of NAME, as configure's
 * probes are, and writes an invalid module. Not every Emscripten has a definition of each of these.
 */
#define LIBC_TYPE(name) extern __typeof__(name) name __attribute__((weak, alias("__wrap_" #name)))

#endif

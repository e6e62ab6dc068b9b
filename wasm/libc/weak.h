/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WEAK_H
#define LIBC_WEAK_H
/*
 * Marks a function whose name C leaves to the program. A file of libaiolibc.a is linked
 * when anything in it is needed; but a program that calls send() may still define an
 * accept() of its own. The library itself does not call these functions.
 */
#define LIBC_WEAK __attribute__((weak))

#endif

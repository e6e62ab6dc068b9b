/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WEAK_H
#define LIBC_WEAK_H
/*
 * Marks a function whose name C leaves to the program. A file of libaiolibc.a is linked
 * when anything in it is needed; a program that calls send() may still have an accept()
 * of its own. Functions of the library do not call these.
 */
#define LIBC_WEAK __attribute__((weak))

#endif

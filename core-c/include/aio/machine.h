/* SPDX-License-Identifier: MIT */
#ifndef AIO_MACHINE_POSIX_H
#define AIO_MACHINE_POSIX_H
/*
 * Describes, for the other headers, the machine that the program is compiled for. This is
 * the native port's header; aiocc selects another one by defining AIO_MACHINE_H.
 */
#define CONFIG_POSIX 1
#if defined(__linux__)
#define CONFIG_LINUX 1
#define CONFIG_EPOLL 1
#endif

#endif

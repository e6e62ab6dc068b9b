/* SPDX-License-Identifier: MIT */
#ifndef AIO_MACHINE_POSIX_H
#define AIO_MACHINE_POSIX_H
/*
 * What the other headers ask about the machine that the program is compiled for. This is the
 * header of the native port; aiocc names another one (AIO_MACHINE_H).
 */
#define CONFIG_POSIX 1
#if defined(__linux__)
#define CONFIG_LINUX 1
#define CONFIG_EPOLL 1
#endif

#endif

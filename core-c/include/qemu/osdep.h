/* SPDX-License-Identifier: MIT */
#ifndef QEMU_OSDEP_H
#define QEMU_OSDEP_H
/* Included by every other header: the usual C headers, the forward typedefs, and
 * a few macros. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The port's header says what differs between machines. */
#ifndef AIO_MACHINE_H
#define AIO_MACHINE_H "aio/machine.h"
#endif
#include AIO_MACHINE_H

#include "aio/api-version.h"
#include "qemu/typedefs.h"

#define stringify(s) tostring(s)
#define tostring(s) #s
#define xglue(x, y) x##y
#define glue(x, y) xglue(x, y)

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define QEMU_NORETURN __attribute__((__noreturn__))
#define QEMU_WARN_UNUSED_RESULT __attribute__((warn_unused_result))

#ifndef container_of
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

/* Evaluate each argument once; the result has the type of their sum. */
#undef MIN
#define MIN(a, b)                                                            \
    ({                                                                       \
        __typeof__((a) + (b)) min_a_ = (a), min_b_ = (b);                    \
        min_a_ < min_b_ ? min_a_ : min_b_;                                   \
    })
#undef MAX
#define MAX(a, b)                                                            \
    ({                                                                       \
        __typeof__((a) + (b)) max_a_ = (a), max_b_ = (b);                    \
        max_a_ > max_b_ ? max_a_ : max_b_;                                   \
    })
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ROUND_UP(n, d) (DIV_ROUND_UP(n, d) * (d))

#define NANOSECONDS_PER_SECOND 1000000000LL

/* Marks a function that may only be called in a coroutine. Nothing checks it. */
#define coroutine_fn

#endif

/* SPDX-License-Identifier: MIT */
#ifndef QEMU_TYPEDEFS_H
#define QEMU_TYPEDEFS_H
/* Declares types that headers use by pointer before the types are defined. */
#include "aio/api-version.h"

typedef struct AioContext AioContext;
typedef struct BlockDriverState BlockDriverState;
typedef struct CoMutex CoMutex;
typedef struct Coroutine Coroutine;
typedef struct Error Error;
typedef struct EventNotifier EventNotifier;
#ifndef WASM_AIO_WITH_GLIB
typedef struct _GSource GSource;
#endif
typedef struct IOThread IOThread;
typedef struct QEMUBH QEMUBH;
typedef struct QEMUTimer QEMUTimer;
typedef struct QEMUTimerListGroup QEMUTimerListGroup;
typedef struct QemuLockable QemuLockable;
typedef struct QemuMutex QemuMutex;
typedef struct QemuSpin QemuSpin;
#if AIO_API_VERSION < 1000
typedef struct ThreadPool ThreadPool;
typedef ThreadPool ThreadPoolAio;
#else
typedef struct ThreadPoolAio ThreadPoolAio;
#endif

/* The call-back of an fd handler; runs in its context's home thread. */
typedef void IOHandler(void *opaque);

#endif

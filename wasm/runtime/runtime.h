/* SPDX-License-Identifier: MIT */
#ifndef WASM_RUNTIME_H
#define WASM_RUNTIME_H
/*
 * What TypeScript calls, beyond the threads of wasm/port: functions named rt_.
 * Those marked "owner" are called by the thread that owns the runtime.
 */
#include "block/aio.h"
#include "port/wasm-port.h"
#include "sysemu/iothread.h"

/* Owner: the request `id` ended with `result`. */
WASM_IMPORT("complete") void host_complete(uint32_t id, double result);
/* A positional read into shared memory: bytes or -errno. handle is the host's. */
WASM_IMPORT("pread") int host_pread(int handle, void *buf, uint32_t length,
                                    double offset);

/* The owner's context. */
AioContext *rt_owner_context(void);
/* Any thread: host_complete(id, result) in the owner. */
void rt_complete(uint32_t id, double result);

/* ---- Files (file.c) ---- */

/*
 * A file as the host opened it. Shared: any pool thread may use the handle.
 * Owned: the host-I/O thread alone may, and requests go to it.
 */
typedef struct HostFile {
    int32_t handle;
    bool owned;
} HostFile;

/* Home of ctx: func(arg) in a thread that may use the file, then cb in ctx. */
void rt_file_submit(AioContext *ctx, HostFile *file, int (*func)(void *),
                    void *arg, BlockCompletionFunc *cb, void *opaque);
/* In such a thread: reads until length bytes, the end of the file, or an error.
 * Bytes or -errno. */
int rt_file_pread(HostFile *file, void *buf, uint32_t length, uint64_t offset);

/* ---- Host I/O (host-io.c) ---- */

void rt_host_io_submit(AioContext *ctx, int (*func)(void *), void *arg,
                       BlockCompletionFunc *cb, void *opaque);

#endif

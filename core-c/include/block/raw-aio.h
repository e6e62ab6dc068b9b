/* SPDX-License-Identifier: MIT */
#ifndef QEMU_RAW_AIO_H
#define QEMU_RAW_AIO_H
/*
 * Block I/O on files through one interface and several engines:
 *
 * threads   Each request is a job of the context's thread pool.
 * native    Requests are submitted in batches: to the kernel's AIO, or in WebAssembly
 *           to a host I/O thread, which is woken once per batch. In QEMU
 *           block/linux-aio.c.
 * io_uring  Requests go through submission and completion rings in shared memory. In
 *           QEMU block/io_uring.c.
 * sync      The request is done in the loop's thread while it is submitted. This is the
 *           fastest for cached data, but the whole loop waits for it.
 * nbd       Requests go to a server, by a client of block/nbd-client.h: fd is its number.
 *
 * In WebAssembly an fd is a program's own descriptor or, in the module that TypeScript
 * drives, the number that the host gave the file.
 */
#include "block/aio.h"

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum AioEngine {
    AIO_ENGINE_THREADS,
    AIO_ENGINE_NATIVE,
    AIO_ENGINE_IO_URING,
    AIO_ENGINE_SYNC,
    AIO_ENGINE_NBD,
} AioEngine;

/* Returns the engine's name in command lines and TypeScript: "threads" and so on. The
 * string is static. Any thread. */
const char *aio_engine_name(AioEngine engine);
/* Sets *engine to the engine of that name. Returns false if there is none. Any
 * thread. */
bool aio_engine_by_name(const char *name, AioEngine *engine);

/* The type of a request. */
#define QEMU_AIO_READ 0x1
#define QEMU_AIO_WRITE 0x2
#define QEMU_AIO_FLUSH 0x4          /* fdatasync */
/* A range is not needed any more: what it reads as is undefined until it is written again. It is
 * a hint: where an engine or a server cannot discard, it succeeds and does nothing. */
#define QEMU_AIO_DISCARD 0x10
/* A range reads as zeros afterwards. Zeros are written as data where nothing else is possible. */
#define QEMU_AIO_WRITE_ZEROES 0x20
/* What a range consists of. iov is one range of memory, aligned to 8 bytes, for an array of
 * RawAioExtent. The result is how many were stored: at least one, unless the file (nbd) or the
 * range ends at offset. They adjoin, begin at offset, and do not go beyond the range; they may
 * cover only a part of it. Where nothing is known, all is data. */
#define RAW_AIO_BLOCK_STATUS 0x40
#define QEMU_AIO_TYPE_MASK 0x77
/* Added to a read or a write: the result is the number of bytes instead of 0, and a read that
 * reaches the end of the file stops there instead of filling the rest with zeros. */
#define RAW_AIO_COUNT 0x8

/* RawAioOp.flags; the numbers are QEMU's. */
typedef enum RawAioFlags {
    /* Of WRITE_ZEROES: a server may make a hole, so that later writes may find no space. */
    BDRV_REQ_MAY_UNMAP = 0x4,
    /* Of WRITE and WRITE_ZEROES: the data is on the medium when the request has ended, as if a flush had followed. */
    BDRV_REQ_FUA = 0x10,
} RawAioFlags;

/* A part of a file, as RAW_AIO_BLOCK_STATUS tells. */
typedef struct RawAioExtent {
    int64_t bytes;
    uint32_t flags;            /* BDRV_BLOCK_... */
    uint32_t unused;           /* 0 */
} RawAioExtent;

/* RawAioExtent.flags; the numbers are QEMU's. */
enum {
    BDRV_BLOCK_DATA = 0x1,     /* the medium has space for it; without it: a hole */
    BDRV_BLOCK_ZERO = 0x2,     /* it reads as zeros; without it: nothing is known of its content */
};

/* A request. */
typedef struct RawAioOp {
    AioEngine engine;
    int type;                  /* QEMU_AIO_... */
    int fd;
    const struct iovec *iov;   /* at most 1,024 of them, 2 GiB - 1 bytes in all */
    unsigned niov;
    int64_t offset;            /* bytes */
    int64_t max_batch;         /* the device's aio-max-batch; 0: no limit of its own */
    int64_t bytes;             /* the length of DISCARD, WRITE_ZEROES and BLOCK_STATUS; others have that of iov */
    int flags;                 /* RawAioFlags */
} RawAioOp;

/*
 * Sets up an engine in ctx; call it before the engine's first request. Further calls do
 * nothing. Returns false and sets *errp if the machine refuses; it may be tried again.
 * Home thread only.
 */
bool raw_aio_setup(AioContext *ctx, AioEngine engine, Error **errp);

/*
 * Submits a request. The loop calls cb(opaque, ret) exactly once, later, in ctx's home
 * thread. The iovecs and their buffers stay the caller's and must be valid until then;
 * *op need not be. ret is 0 or -errno. A read past the end of the file is filled with
 * zeros; a write that the file takes only in part ends with -ENOSPC; EAGAIN and EINTR
 * are retried. bdrv_aio_cancel() ends a request that has not begun with -ECANCELED, and
 * a DISCARD or WRITE_ZEROES of a long range also after a part of it.
 * Returns NULL if there is no memory; cb is then not called. Panics if the engine has
 * not been set up. The caller holds a reference to ctx until cb has run. Home thread
 * only.
 */
BlockAIOCB *raw_aio_submit(AioContext *ctx, const RawAioOp *op,
                           BlockCompletionFunc *cb, void *opaque);

/* Submits a request, waits for it and returns what the call-back would get as ret;
 * -ENOMEM if there is no memory. In a coroutine in ctx's home thread only. */
int coroutine_fn raw_co_submit(AioContext *ctx, const RawAioOp *op);

/*
 * Holds back requests to native, io_uring and nbd until raw_aio_unplug(), to submit them
 * together; a full batch is submitted at once. Plugs nest. Does nothing for other
 * engines. Home thread only.
 */
void raw_aio_plug(AioContext *ctx, AioEngine engine);
/* Ends one raw_aio_plug(). The outermost one submits what was held back. max_batch is
 * RawAioOp's. Home thread only. */
void raw_aio_unplug(AioContext *ctx, AioEngine engine, int64_t max_batch);

/* What an engine has done in a context since it was set up; zeros before. */
typedef struct AioEngineStats {
    uint64_t requests;         /* submitted (sync: done) */
    uint64_t submissions;      /* batches that they were submitted in */
    uint64_t kicks;            /* system calls or wake-ups that the batches took */
    uint64_t largest_batch;    /* requests in the largest batch */
} AioEngineStats;
/* Fills in *stats. Home thread; another thread may see slightly older values. */
void raw_aio_get_stats(AioContext *ctx, AioEngine engine,
                       AioEngineStats *stats);

#ifdef __cplusplus
}
#endif

#endif

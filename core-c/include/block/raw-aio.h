/* SPDX-License-Identifier: MIT */
#ifndef QEMU_RAW_AIO_H
#define QEMU_RAW_AIO_H
/*
 * Block I/O on files through one interface and several engines:
 *
 * threads   each request is a job of the context's thread pool
 * native    requests queue and are handed over in batches: kernel AIO, in
 *           WebAssembly a host-I/O thread that is woken once a batch.
 *           block/linux-aio.c
 * io_uring  submission and completion rings in shared memory. block/io_uring.c
 * sync      done in the loop's own thread while it is submitted: the quickest for
 *           what is cached, and everything else of that loop waits for it
 *
 * An fd is the machine's. In WebAssembly: a program's own descriptor, or, in the module
 * that TypeScript drives, the number that the host gave the file.
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
} AioEngine;

/* The name that command lines and TypeScript use: "threads" and so on. */
const char *aio_engine_name(AioEngine engine);
/* False: there is none of that name. */
bool aio_engine_by_name(const char *name, AioEngine *engine);

/* What a request does. */
#define QEMU_AIO_READ 0x1
#define QEMU_AIO_WRITE 0x2
#define QEMU_AIO_FLUSH 0x4          /* fdatasync */
#define QEMU_AIO_TYPE_MASK 0x7
/* Added to a type: the result is the number of bytes, not 0; a read that meets
 * the end of the file ends there and fills nothing with zeros. */
#define RAW_AIO_COUNT 0x8

typedef struct RawAioOp {
    AioEngine engine;
    int type;                  /* QEMU_AIO_... */
    int fd;
    const struct iovec *iov;   /* reads, writes; at most 1,024, 2 GiB - 1 in all */
    unsigned niov;
    int64_t offset;            /* bytes */
    int64_t max_batch;         /* the device's aio-max-batch; 0: none of its own */
} RawAioOp;

/*
 * Home, once before the engine's first request; again does nothing. False and
 * *errp if the machine refuses; it may be tried again.
 */
bool raw_aio_setup(AioContext *ctx, AioEngine engine, Error **errp);

/*
 * Home. The iovecs and what they point to stay the caller's and valid until cb,
 * which is called exactly once, later, in the loop, never from here. ret is 0 or
 * -errno: a read past the end of the file has zeros there; a write of which less
 * was taken is -ENOSPC; EAGAIN and EINTR are tried again. Cancelling
 * (bdrv_aio_cancel) ends what nobody has begun with -ECANCELED.
 * NULL: out of memory; cb will not be called.
 */
BlockAIOCB *raw_aio_submit(AioContext *ctx, const RawAioOp *op,
                           BlockCompletionFunc *cb, void *opaque);

/* In a coroutine of ctx's home thread: waits for the request, returns what the
 * call-back would get. */
int coroutine_fn raw_co_submit(AioContext *ctx, const RawAioOp *op);

/*
 * Home. Between plug and unplug requests of native and io_uring wait to be handed
 * over together, unless they reach the batch limit. They nest. Nothing for the
 * other engines.
 */
void raw_aio_plug(AioContext *ctx, AioEngine engine);
void raw_aio_unplug(AioContext *ctx, AioEngine engine, int64_t max_batch);

/* What an engine did in a context since it was set up; zeros before. */
typedef struct AioEngineStats {
    uint64_t requests;         /* handed over (sync: done) */
    uint64_t submissions;      /* in so many batches */
    uint64_t kicks;            /* system calls or wake-ups that these took */
    uint64_t largest_batch;
} AioEngineStats;
/* Home; elsewhere each number is of some recent moment. */
void raw_aio_get_stats(AioContext *ctx, AioEngine engine,
                       AioEngineStats *stats);

#ifdef __cplusplus
}
#endif

#endif

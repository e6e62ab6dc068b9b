/* SPDX-License-Identifier: MIT */
/* What happens to a request on a file when an engine has done a part of it. */
#include "block/aio-queue.h"
#include "port/calls.h"
#include "qemu/atomic.h"
#include "sync/trace.h"
#include <string.h>

/* ---- One step of a request ---- */

/* Makes io describe what is left after the bytes that are done; some are left.
 * Returns false if there is no memory. */
static bool take_rest(RawAio *request)
{
    size_t skip = (size_t)request->done;
    unsigned i = 0;

    while (skip >= request->iov[i].iov_len) {
        skip -= request->iov[i++].iov_len;
    }
    if (!request->rest) {
        request->rest = malloc(request->niov * sizeof(*request->rest));
        if (!request->rest) {
            return false;
        }
    }
    request->io.niov = request->niov - i;
    memcpy(request->rest, request->iov + i,
           request->io.niov * sizeof(*request->rest));
    request->rest[0].iov_base = (char *)request->rest[0].iov_base + skip;
    request->rest[0].iov_len -= skip;
    request->io.iov = request->rest;
    request->io.offset = request->offset + request->done;
    return true;
}

static void zero_rest(RawAio *request)
{
    size_t skip = (size_t)request->done;

    for (unsigned i = 0; i < request->niov; i++) {
        const struct iovec *iov = &request->iov[i];
        size_t here = MIN(skip, iov->iov_len);

        memset((char *)iov->iov_base + here, 0, iov->iov_len - here);
        skip -= here;
    }
}

/* Nobody writes to it; as a constant it would take room in each module. It is aligned for files that are opened with O_DIRECT. */
static uint8_t zeros[16384] __attribute__((aligned(4096)));

void raw_aio_next_zeros(RawAio *request)
{
    int64_t left = request->bytes - request->done;
    unsigned n = 0;

    request->piece = 0;
    while (n < RAW_AIO_ZERO_IOVS && left > 0) {
        int here = (int)MIN(left, (int64_t)sizeof(zeros));

        request->rest[n++] = (struct iovec){ zeros, (size_t)here };
        request->piece += here;
        left -= here;
    }
    request->io.op = PORT_IO_WRITE;
    request->io.iov = request->rest;
    request->io.niov = n;
    request->io.offset = request->offset + request->done;
    request->io.fua = request->fua;
}

static bool ended(RawAio *request, int ret)
{
    request->ret = ret;
    return true;
}

/* The next part follows, unless the request was cancelled meanwhile. */
static bool goes_on(RawAio *request)
{
    return qatomic_read(&request->canceled) ? ended(request, -ECANCELED) : false;
}

bool raw_aio_step(RawAio *request)
{
    int result = request->io.result;

    if (result == -EAGAIN || result == -EINTR) {
        return goes_on(request);
    }
    if (result == -ENOTSUP && request->io.op == PORT_IO_WRITE_ZEROES) {
        raw_aio_next_zeros(request);       /* the server has no command for it */
        return goes_on(request);
    }
    if (result < 0) {
        return ended(request, result);
    }
    if (request->io.op == PORT_IO_READ || request->io.op == PORT_IO_WRITE) {
        request->done += result;
        if (request->done < request->bytes) {
            if (request->type & QEMU_AIO_WRITE_ZEROES && result == request->piece) {
                raw_aio_next_zeros(request);
                return goes_on(request);
            }
            if (request->io.op == PORT_IO_WRITE) {
                return ended(request, -ENOSPC);
            }
            if (result > 0) {
                /* Fewer bytes than were asked for do not mean the end of the file
                 * yet. */
                return take_rest(request) ? false : ended(request, -ENOMEM);
            }
            if (!(request->type & RAW_AIO_COUNT)) {
                zero_rest(request);
            }
        }
    }
    if (request->io.fua) {
        request->io.fua = false;
        request->io.op = PORT_IO_FDATASYNC;
        return false;
    }
    if (request->type & RAW_AIO_BLOCK_STATUS) {
        return ended(request, result);
    }
    return ended(request, request->type & RAW_AIO_COUNT ? (int)request->done : 0);
}

/* ---- The end of a request ---- */

void raw_aio_tell(RawAio *request)
{
    trace(AIO_TRACE_raw_aio_complete, trace_address(request), (uint64_t)(int64_t)request->ret,
          NULL);
    if (request->common.cb) {
        CALL_USER(request->common.cb, request->common.opaque, request->ret);
    }
    /* One step: a thread that is lost in a call-back leaves the request to
     * free_requests() (raw-aio.c). */
    port_thread_holds(1);
    QLIST_REMOVE(request, all);
    free(request->rest);
    request->rest = NULL;             /* others may have a reference */
    qemu_aio_unref(request);
    port_thread_holds(-1);
}

void raw_aio_complete(RawAio *request)
{
    port_count_add(&request->ctx->stats.jobs, 1);
    raw_aio_tell(request);
}

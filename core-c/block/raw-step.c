/* SPDX-License-Identifier: MIT */
/* What happens to a request on a file when an engine has done a part of it. */
#include "block/aio-queue.h"
#include "port/calls.h"
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

static bool ended(RawAio *request, int ret)
{
    request->ret = ret;
    return true;
}

bool raw_aio_step(RawAio *request)
{
    int result = request->io.result;

    if (result == -EAGAIN || result == -EINTR) {
        return request->canceled ? ended(request, -ECANCELED) : false;
    }
    if (result < 0 || (request->type & QEMU_AIO_FLUSH)) {
        return ended(request, result);
    }
    request->done += result;
    if (request->done < request->bytes) {
        if (request->type & QEMU_AIO_WRITE) {
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
    return ended(request, request->type & RAW_AIO_COUNT ? request->done : 0);
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

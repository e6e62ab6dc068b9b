/* SPDX-License-Identifier: MIT */
/* Files: requests from the owner to an IOThread's context and back. */
#include "block/thread-pool.h"
#include "runtime.h"

/* Owner. */
WASM_EXPORT("rt_file_new")
HostFile *rt_file_new(int handle, bool owned)
{
    HostFile *file = malloc(sizeof(*file));

    if (file) {
        *file = (HostFile){ .handle = handle, .owned = owned };
    }
    return file;
}

/* Owner: no request of it is in flight. */
WASM_EXPORT("rt_file_free")
void rt_file_free(HostFile *file)
{
    free(file);
}

void rt_file_submit(AioContext *ctx, HostFile *file, int (*func)(void *),
                    void *arg, BlockCompletionFunc *cb, void *opaque)
{
    if (file->owned) {
        rt_host_io_submit(ctx, func, arg, cb, opaque);
    } else {
        thread_pool_submit_aio(aio_get_thread_pool(ctx), func, arg, cb, opaque);
    }
}

int rt_file_pread(HostFile *file, void *buf, uint32_t length, uint64_t offset)
{
    uint32_t done = 0;

    while (done < length) {
        int ret = host_pread(file->handle, (char *)buf + done, length - done,
                             (double)(offset + done));
        if (ret < 0) {
            return ret;
        }
        if (ret == 0) {
            break;
        }
        done += ret;
    }
    return (int)done;
}

/* ---- A read that the owner asked for ---- */

typedef struct ReadRequest {
    AioContext *ctx;
    HostFile *file;
    void *buf;
    uint32_t length;
    uint32_t id;
    uint64_t offset;
} ReadRequest;

static int read_work(void *opaque)
{
    ReadRequest *request = opaque;

    return rt_file_pread(request->file, request->buf, request->length,
                         request->offset);
}

static void read_done(void *opaque, int ret)
{
    ReadRequest *request = opaque;

    request->ctx->requests--;
    rt_complete(request->id, ret);
    free(request);
}

static void read_bh(void *opaque)
{
    ReadRequest *request = opaque;

    request->ctx->requests++;
    rt_file_submit(request->ctx, request->file, read_work, request, read_done,
                   request);
}

/* Owner: complete(id, bytes or -errno) follows, once. False: out of memory. */
WASM_EXPORT("rt_file_read")
bool rt_file_read(AioContext *ctx, HostFile *file, void *buf, uint32_t length,
                  double offset, uint32_t id)
{
    ReadRequest *request = malloc(sizeof(*request));

    if (!request) {
        return false;
    }
    *request = (ReadRequest){ .ctx = ctx, .file = file, .buf = buf,
                              .length = length, .id = id,
                              .offset = (uint64_t)offset };
    aio_bh_schedule_oneshot(ctx, read_bh, request);
    return true;
}

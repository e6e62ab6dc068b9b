/* SPDX-License-Identifier: MIT */
/* NBD clients whose connections are sockets of JavaScript: ts/src/nbd/connections.ts, in the home thread of the context. */
#include "block/nbd-client.h"
#include "handle.h"
#include "loop/part.h"

/* What JavaScript is asked to do: it is called back, and reads this. */
typedef enum { NBD_CONNECT, NBD_SECURE, NBD_RECEIVE, NBD_SEND, NBD_CLOSE, NBD_OPENED } NbdCall;

typedef struct RtNbd {
    uint32_t call;             /* NbdCall */
    uint32_t connection;
    const struct iovec *iov;
    uint32_t niov;
    int32_t result;            /* of the call; NBD_OPENED: 0 or -errno */
    const char *why;           /* NBD_OPENED */
    AioContext *ctx;
    int number;
    uint32_t callback;
    QLIST_ENTRY(RtNbd) all;
} RtNbd;

/* The clients of a context, whose memory is freed with it if its thread is lost. */
typedef struct NbdPart {
    QLIST_HEAD(, RtNbd) all;
} NbdPart;

static void free_all(AioContext *ctx);

static AioPart nbd_part = {
    .size = sizeof(NbdPart),
    .idle = free_all,
};
AIO_PART_REGISTER(nbd_part);

static NbdPart *part_of(AioContext *ctx)
{
    return aio_part(ctx, &nbd_part);
}

static void free_all(AioContext *ctx)
{
    RtNbd *nbd;

    while ((nbd = QLIST_FIRST(&part_of(ctx)->all))) {
        QLIST_REMOVE(nbd, all);
        free(nbd);
    }
}

static int call(void *opaque, NbdCall what, unsigned connection, const struct iovec *iov, unsigned niov)
{
    RtNbd *nbd = opaque;

    nbd->call = what;
    nbd->connection = connection;
    nbd->iov = iov;
    nbd->niov = niov;
    /* If JavaScript fails, the connection is lost. */
    nbd->result = -EIO;
    rt_run_callback((void *)(uintptr_t)nbd->callback);
    return nbd->result;
}

static void nbd_connect(void *opaque, unsigned connection)
{
    call(opaque, NBD_CONNECT, connection, NULL, 0);
}

static void nbd_secure(void *opaque, unsigned connection)
{
    call(opaque, NBD_SECURE, connection, NULL, 0);
}

static int nbd_receive(void *opaque, unsigned connection, const struct iovec *iov, unsigned niov)
{
    return call(opaque, NBD_RECEIVE, connection, iov, niov);
}

static int nbd_send(void *opaque, unsigned connection, const struct iovec *iov, unsigned niov)
{
    return call(opaque, NBD_SEND, connection, iov, niov);
}

static void nbd_close(void *opaque, unsigned connection)
{
    call(opaque, NBD_CLOSE, connection, NULL, 0);
}

static const NbdTransport transport = { nbd_connect, nbd_secure, nbd_receive, nbd_send, nbd_close };

static void opened(void *opaque, int ret, const char *why)
{
    RtNbd *nbd = opaque;

    nbd->call = NBD_OPENED;
    nbd->result = ret;
    nbd->why = why;
    rt_run_callback((void *)(uintptr_t)nbd->callback);
}

/* Makes a client, which calls the JavaScript function `callback`. Returns NULL if there is no memory. Home
 * thread only, as all functions here. */
WASM_EXPORT("rt_nbd_new")
RtNbd *rt_nbd_new(AioContext *ctx, uint32_t callback, const char *name, uint32_t connections, bool tls,
                  uint32_t reconnect_delay_ms, uint32_t request_timeout_ms)
{
    NbdClientOptions options = {
        .transport = &transport, .export_name = name, .connections = connections, .tls = tls,
        .reconnect_delay_ms = reconnect_delay_ms, .request_timeout_ms = request_timeout_ms,
    };
    RtNbd *nbd = malloc(sizeof(*nbd));

    if (!nbd) {
        return NULL;
    }
    *nbd = (RtNbd){ .ctx = ctx, .callback = callback };
    options.opaque = nbd;
    nbd->number = nbd_client_new(ctx, &options, opened);
    if (nbd->number < 0) {
        free(nbd);
        return NULL;
    }
    QLIST_INSERT_HEAD(&part_of(ctx)->all, nbd, all);
    return nbd;
}

/* Something has happened to a connection. A turn follows each call at once, so that the requests that end by it need not wake the loop. */
WASM_EXPORT("rt_nbd_connected")
void rt_nbd_connected(RtNbd *nbd, uint32_t connection)
{
    nbd_client_connected(nbd->ctx, nbd->number, connection);
}

WASM_EXPORT("rt_nbd_readable")
void rt_nbd_readable(RtNbd *nbd, uint32_t connection)
{
    rt_hosted_awake(nbd->ctx);
    nbd_client_readable(nbd->ctx, nbd->number, connection);
}

WASM_EXPORT("rt_nbd_writable")
void rt_nbd_writable(RtNbd *nbd, uint32_t connection)
{
    rt_hosted_awake(nbd->ctx);
    nbd_client_writable(nbd->ctx, nbd->number, connection);
}

WASM_EXPORT("rt_nbd_lost")
void rt_nbd_lost(RtNbd *nbd, uint32_t connection, int errnum, const char *why)
{
    nbd_client_lost(nbd->ctx, nbd->number, connection, errnum, why);
}

/* Returns what the server has told of the export, as JSON, and the number that requests name as their file. */
WASM_EXPORT("rt_nbd_export")
const char *rt_nbd_export(RtNbd *nbd)
{
    static _Thread_local char text[160];
    const NbdExport *info = nbd_client_export(nbd->ctx, nbd->number);

    snprintf(text, sizeof(text),
             "{\"handle\":%d,\"size\":%" PRIu64 ",\"flags\":%u,\"minBlock\":%u,\"maxBlock\":%u}",
             nbd->number, info->size, (unsigned)info->flags, (unsigned)info->min_block, (unsigned)info->max_block);
    return text;
}

/* Returns why a request has ended with ret, if that is the loss of a connection; else "". */
WASM_EXPORT("rt_nbd_why")
const char *rt_nbd_why(RtNbd *nbd, int ret)
{
    return nbd_client_why(nbd->ctx, nbd->number, ret);
}

WASM_EXPORT("rt_nbd_free")
void rt_nbd_free(RtNbd *nbd)
{
    nbd_client_free(nbd->ctx, nbd->number);
    QLIST_REMOVE(nbd, all);
    free(nbd);
}

/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_NBD_CLIENT_H
#define BLOCK_NBD_CLIENT_H
/*
 * A client of the NBD protocol (Network Block Device): the engine AIO_ENGINE_NBD of block/raw-aio.h. A client
 * has one or more connections to one export of a server; RawAioOp.fd is its number. Who makes it brings the
 * transport, which connects, sends and receives bytes.
 *
 * When a connection is lost, its requests are sent again on another one. All of them may be done twice: the result
 * is that of one.
 *
 * Only commands that the server offers are sent. QEMU_AIO_WRITE_ZEROES writes zeros as data, BDRV_REQ_FUA is a write and
 * a flush, and RAW_AIO_BLOCK_STATUS says that all is data where the server does not have them. QEMU_AIO_DISCARD is a hint:
 * it succeeds where the server has no NBD_CMD_TRIM, and where that ends with ENOTSUP.
 */
#include "block/raw-aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How the client reaches its server. All functions are called in ctx's home thread with NbdClientOptions.opaque
 * and the number of a connection (from 0), and call none of the client themselves.
 */
typedef struct NbdTransport {
    /* Begins to connect. nbd_client_connected() or nbd_client_lost() follows. */
    void (*connect)(void *opaque, unsigned connection);
    /* Begins TLS on a connection. nbd_client_connected() or nbd_client_lost() follows. NULL: there is no TLS. */
    void (*secure)(void *opaque, unsigned connection);
    /* Stores bytes that have arrived, as many as there are room and bytes. Returns their number, 0 at the end, -EAGAIN
     * if there are none now (nbd_client_readable() follows when there are), or -errno. */
    int (*receive)(void *opaque, unsigned connection, const struct iovec *iov, unsigned niov);
    /* Sends bytes, which are the client's again when it returns. Returns how many were taken, -EAGAIN if none can
     * be now (nbd_client_writable() follows when they can), or -errno. */
    int (*send)(void *opaque, unsigned connection, const struct iovec *iov, unsigned niov);
    /* Closes a connection, or ends the attempt; nothing is told of it from now on. */
    void (*close)(void *opaque, unsigned connection);
} NbdTransport;

enum { NBD_MAX_CONNECTIONS = 16, NBD_MAX_NAME = 4096 };

typedef struct NbdClientOptions {
    const NbdTransport *transport;
    void *opaque;
    const char *export_name;       /* "": the server's default; at most NBD_MAX_NAME bytes */
    unsigned connections;          /* at most; used if the server allows more than one. 0: 1 */
    bool tls;                      /* the server must agree to TLS */
    /* How long requests wait for a new connection when all are lost, in ms. 0: they fail at once. */
    int64_t reconnect_delay_ms;
    /* A connection on which requests wait and nothing happens for so long counts as lost, in ms. 0: 30,000. */
    int64_t request_timeout_ms;
} NbdClientOptions;

/* What the server has told of the export. */
typedef struct NbdExport {
    uint64_t size;                 /* bytes */
    uint16_t flags;                /* NBD_FLAG_... of the protocol */
    bool structured;               /* replies are structured */
    bool block_status;             /* the server tells what is a hole, and what reads as zeros (base:allocation) */
    uint32_t min_block;            /* offsets and lengths are multiples of it, in bytes */
    uint32_t preferred_block;
    uint32_t max_block;            /* the largest request that is sent; larger ones are divided */
} NbdExport;

/* Called once, in the loop: ret is 0, or -errno, and why says what to do. The call-back must not free the client. */
typedef void NbdOpened(void *opaque, int ret, const char *why);

/*
 * Makes a client and begins to connect. Sets up the engine in ctx. Returns its number, or -errno: -EINVAL, -ENOMEM,
 * -EMFILE (256 in a context). Home thread only, as all functions here.
 */
int nbd_client_new(AioContext *ctx, const NbdClientOptions *options, NbdOpened *opened);
/* Frees a client: says good-bye to the server and closes all connections. What is in flight ends with -ECANCELED. */
void nbd_client_free(AioContext *ctx, int client);
/* Returns what the server has told, once the client has been opened. */
const NbdExport *nbd_client_export(AioContext *ctx, int client);
/* Returns why a request has ended with ret, for its message: the latest reason for this -errno, which is the loss of a connection, or
 * a text of the server without control characters. "" if nothing is known. Valid until the next call about the client. */
const char *nbd_client_why(AioContext *ctx, int client, int ret);

/* The transport calls these. They do nothing for a client that has been freed. */
void nbd_client_connected(AioContext *ctx, int client, unsigned connection);
void nbd_client_readable(AioContext *ctx, int client, unsigned connection);
void nbd_client_writable(AioContext *ctx, int client, unsigned connection);
/* The connection has ended, or could not be made: why is a phrase for messages, errnum positive. */
void nbd_client_lost(AioContext *ctx, int client, unsigned connection, int errnum, const char *why);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_NBD_H
#define BLOCK_NBD_H
/* Shared by the files of the NBD client. Only the home thread uses what is in here. */
#include "block/nbd-client.h"
#include "block/nbd-protocol.h"
#include "port/port-io.h"
#include "qemu/queue.h"

enum {
    NBD_SLOTS = 1024,          /* requests in flight at most, in a context */
    NBD_MAX_CLIENTS = 256,     /* in a context */
    NBD_STAGING = 16384,       /* bytes that are received ahead; longer than any message but data */
    NBD_MAX_TEXT = 8192,       /* of an option's reply or an error */
    NBD_MAX_REPLIES = 64,      /* to one option */
    NBD_MAX_TRIES = 5,         /* connections that are lost under the same request */
    NBD_MAX_PIECES = 8,        /* of a reply, that do not adjoin */
    NBD_MAX_EXTENTS = 1 << 20, /* of a reply */
    NBD_SAID = 120,            /* characters of a server's text that are passed on */
    NBD_IOV = 64,              /* ranges in one call of the transport */
};
#define NBD_MAX_FRAGMENT (32u << 20)   /* the protocol's limit, unless the server names one */
#define NBD_MAX_RANGE (1u << 30)       /* of requests that move no data, and no zeros */

typedef struct NbdClient NbdClient;
typedef struct NbdConnection NbdConnection;

typedef enum {
    NBD_OP_WAITING,            /* in client->waiting */
    NBD_OP_SENDING,            /* in connection->sending */
    NBD_OP_SENT,               /* in connection->waiting_for_reply */
    NBD_OP_ENDED,              /* in queue->ended */
} NbdOpState;

/* A request, one of NbdQueue.ops. It is sent as one or more fragments, one after the other. */
typedef struct NbdOp {
    PortIo *io;                /* NULL: the slot is free */
    NbdClient *client;
    NbdConnection *connection; /* NULL: it waits for one, or has ended */
    NbdOpState state;
    QTAILQ_ENTRY(NbdOp) next;
    uint64_t cookie;           /* of the fragment */
    uint64_t total;            /* bytes that it is about; data has less than 2 GiB */
    uint64_t done;             /* by fragments that have ended */
    uint32_t length;           /* of the fragment */
    uint16_t command, flags;
    uint8_t tries;             /* connections that were lost meanwhile */
    bool begun;                /* a server may know of it */
    bool canceled;             /* no further fragment is sent */
    int error;                 /* -errno that its reply has named so far */
    unsigned pieces;           /* of the fragment that have arrived: sorted, none adjoin */
    struct {
        uint32_t from, to;
    } piece[NBD_MAX_PIECES];
    /* Block status: extents that are stored, the bytes that those which have arrived cover, and whether some are left out. */
    unsigned extents;
    uint64_t covered;
    bool left_out;
    uint8_t header[NBD_REQUEST_BYTES];
} NbdOp;
typedef QTAILQ_HEAD(, NbdOp) NbdOps;

typedef enum {
    NBD_IDLE,
    NBD_CONNECTING,
    NBD_GREETING,              /* the server begins */
    NBD_HAGGLING,              /* the reply to conn->option follows */
    NBD_SECURING,              /* TLS begins */
    NBD_NAMED,                 /* the answer to NBD_OPT_EXPORT_NAME follows */
    NBD_READY,
} NbdPhase;

struct NbdConnection {
    NbdClient *client;
    unsigned number;
    NbdPhase phase;
    unsigned failures;         /* attempts that failed, one after the other */
    bool zeroes;               /* NBD_NO_ZEROES was not agreed on */
    uint32_t option;
    unsigned replies;          /* to this option */
    bool has_info;             /* the server has described the export */
    uint32_t context;          /* its number for base:allocation */
    NbdExport info;
    /* What moves: a reply, some data. The timer compares it with what it saw. */
    unsigned progress, seen, silent;
    /* Sending: out, then the requests. sent: bytes of the first request that are gone. */
    NbdOps sending, waiting_for_reply;
    unsigned in_flight;        /* in both lists */
    uint64_t sent;
    bool full;                 /* nbd_client_writable() follows */
    unsigned out_head, out_tail;
    /* Receiving: bytes of the staging area, and data that goes to a request directly. */
    unsigned head, tail;
    NbdOp *body;               /* NULL: a message begins at head */
    uint32_t body_at;          /* from the beginning of the request's memory */
    uint32_t body_left;
    bool body_ends;            /* its reply ends with it, or with the extents */
    NbdOp *status;             /* not NULL: extents of this request follow, so many bytes */
    uint32_t status_left;
    uint8_t out[3 * NBD_MAX_NAME + 256];       /* all options together */
    uint8_t staging[NBD_STAGING];
};

typedef struct NbdQueue NbdQueue;

struct NbdClient {
    NbdQueue *queue;
    int number;
    NbdClientOptions options;
    NbdOpened *opened;         /* NULL: it was called */
    bool is_open, refused;     /* whether the first connection has been ready, or failed */
    NbdExport info;
    NbdOps waiting;            /* for a connection */
    /* All connections are lost: until when the requests wait, and whether nobody tries any more. */
    bool down, given_up;
    int64_t deadline;          /* ns */
    int64_t pause;             /* before the next attempt, ns */
    int error;                 /* why the last connection was lost: errno */
    int why_error;             /* the errno that is explained by `why` */
    char why[256];
    QEMUTimer retry, watch;
    bool watched;              /* the timer `watch` is armed */
    char *name;
    unsigned connections;
    NbdConnection connection[];
};

/* The engine of a context. */
struct NbdQueue {
    AioContext *ctx;
    QEMUBH *bh;                /* scheduled when requests have ended */
    uint32_t serial;           /* of the latest cookie */
    uint32_t generation;       /* of the latest client */
    uint64_t kicks;
    NbdOps free, ended;
    NbdClient *clients[NBD_MAX_CLIENTS];
    NbdOp ops[NBD_SLOTS];
};

/* nbd-queue.c: as the functions of port/port-io.h. */
NbdQueue *nbd_queue_new(AioContext *ctx, QEMUBH *bh);
/* Frees the queue and its clients. lost: the home thread was, and nobody calls the transport any more. */
void nbd_queue_free(NbdQueue *queue, bool lost);
int nbd_queue_submit(NbdQueue *queue, PortIo **ios, unsigned n);
unsigned nbd_queue_reap(NbdQueue *queue, PortIo **ios, unsigned n);
void nbd_queue_cancel(NbdQueue *queue, PortIo *io);
/* Ends a request that is in no list. */
void nbd_op_end(NbdQueue *queue, NbdOp *op, int result);
/* Removes a request from its connection. */
void nbd_op_leave(NbdOp *op);
/* The fragment was answered: what is left is sent, or the request ends. */
void nbd_op_answered(NbdOp *op);
/* Gives the requests that wait to connections, and sends. */
void nbd_client_run(NbdClient *client);
/* Returns the engine of a context that has been set up, or NULL. engines.c */
NbdQueue *nbd_queue_of(AioContext *ctx);

/* nbd-client.c */
NbdClient *nbd_client_get(NbdQueue *queue, int number);
void nbd_client_delete(NbdClient *client, bool lost);
/* The last step of everything that the transport tells: sends, and says that the client is open, or why not. NULL: nothing. */
void nbd_client_settle(NbdClient *client);

/* nbd-connect.c */
void nbd_connect(NbdConnection *conn);
/* The connection ends, because the server broke a rule, or is gone. */
__attribute__((format(printf, 3, 4)))
void nbd_fail(NbdConnection *conn, int errnum, const char *fmt, ...);
/* The connection has ended, which the transport knows. */
void nbd_lost(NbdConnection *conn, int errnum);
/* The requests of a connection wait for another one, those that were sent first first. */
void nbd_take_back(NbdConnection *conn, NbdOps *ops);
/* Ends all requests that wait for a connection. */
void nbd_client_give_up(NbdClient *client);
/* The handshake is over. */
void nbd_client_ready(NbdConnection *conn);
/* A request finds no connection. */
void nbd_client_wake(NbdClient *client);
/* Arms the timer that notices silence. */
void nbd_client_watch(NbdClient *client);
/* The timers: it is time to connect; to look whether a server is silent. */
void nbd_client_retry(void *opaque);
void nbd_client_check(void *opaque);

/* nbd-send.c. Sends what can be sent. */
void nbd_send(NbdConnection *conn);
/* Stores the ranges of bytes [at, at + length) of a request's memory, at most max; returns their number. */
unsigned nbd_ranges(const PortIo *io, uint32_t at, uint32_t length, struct iovec *iov, unsigned max);

/* nbd-handshake.c and nbd-reply.c: take one message from the bytes. Return how many bytes it has, or 0 if they do not
 * suffice yet or the connection has been failed. */
unsigned nbd_handshake_take(NbdConnection *conn, const uint8_t *bytes, unsigned n);
unsigned nbd_reply_take(NbdConnection *conn, const uint8_t *bytes, unsigned n);
/* Stores what a server says, without characters that could do something to a terminal, in said[NBD_SAID + 1]. */
void nbd_said(char *said, const uint8_t *text, uint32_t length);
/* TLS has begun. */
void nbd_handshake_secured(NbdConnection *conn);
/* The data of a reply has arrived. */
void nbd_reply_body(NbdConnection *conn);

#endif

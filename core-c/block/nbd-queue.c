/* SPDX-License-Identifier: MIT */
/* The NBD client as an engine: requests come in by the context's queue (aio-queue.c), go to a connection, and end. */
#include "block/nbd.h"
#include "loop/loop.h"
#include "qapi/error.h"

NbdQueue *nbd_queue_new(AioContext *ctx, QEMUBH *bh)
{
    NbdQueue *queue = calloc(1, sizeof(*queue));

    if (!queue) {
        return NULL;
    }
    queue->ctx = ctx;
    queue->bh = bh;
    QTAILQ_INIT(&queue->free);
    QTAILQ_INIT(&queue->ended);
    for (unsigned i = 0; i < NBD_SLOTS; i++) {
        QTAILQ_INSERT_TAIL(&queue->free, &queue->ops[i], next);
    }
    return queue;
}

void nbd_queue_free(NbdQueue *queue, bool lost)
{
    for (unsigned i = 0; i < NBD_MAX_CLIENTS; i++) {
        if (queue->clients[i]) {
            nbd_client_delete(queue->clients[i], lost);
        }
    }
    free(queue);
}

/* ---- The way of a request ---- */

void nbd_op_end(NbdQueue *queue, NbdOp *op, int result)
{
    op->io->result = result;
    op->state = NBD_OP_ENDED;
    QTAILQ_INSERT_TAIL(&queue->ended, op, next);
    qemu_bh_schedule(queue->bh);
}

void nbd_op_leave(NbdOp *op)
{
    NbdConnection *conn = op->connection;

    if (op->state == NBD_OP_SENT) {
        QTAILQ_REMOVE(&conn->waiting_for_reply, op, next);
    } else {
        QTAILQ_REMOVE(&conn->sending, op, next);
    }
    conn->in_flight--;
    op->connection = NULL;
}

/* Prepares the next fragment, or the same one again, for a connection. */
static void go(NbdOp *op, NbdConnection *conn)
{
    NbdQueue *queue = op->client->queue;
    bool moves = op->command != NBD_CMD_FLUSH;
    uint8_t *at = op->header;

    op->length = MIN(op->total - op->done, conn->client->info.max_block);
    op->pieces = 0;
    op->error = 0;
    /* No two requests of a context have the same cookie, even on a connection that is late. */
    op->cookie = (uint64_t)++queue->serial * NBD_SLOTS + (uint64_t)(op - queue->ops);
    at = nbd_put(at, NBD_REQUEST_MAGIC, 4);
    at = nbd_put(at, 0, 2);
    at = nbd_put(at, op->command, 2);
    at = nbd_put(at, op->cookie, 8);
    at = nbd_put(at, moves ? (uint64_t)op->io->offset + op->done : 0, 8);
    nbd_put(at, op->length, 4);
    op->connection = conn;
    op->state = NBD_OP_SENDING;
    conn->in_flight++;
    QTAILQ_INSERT_TAIL(&conn->sending, op, next);
    nbd_client_watch(op->client);
}

void nbd_op_answered(NbdOp *op)
{
    NbdConnection *conn = op->connection;

    nbd_op_leave(op);
    if (op->error) {
        nbd_op_end(op->client->queue, op, op->error);
        return;
    }
    op->done += op->length;
    if (op->done < op->total) {
        op->tries = 0;
        go(op, conn);
    } else {
        nbd_op_end(op->client->queue, op, (int)op->total);
    }
}

/* Returns the connection with the fewest requests, or NULL if none is ready. */
static NbdConnection *best_of(NbdClient *client)
{
    NbdConnection *best = NULL;

    for (unsigned i = 0; i < client->connections; i++) {
        NbdConnection *conn = &client->connection[i];

        if (conn->phase == NBD_READY && (!best || conn->in_flight < best->in_flight)) {
            best = conn;
        }
    }
    return best;
}

void nbd_client_run(NbdClient *client)
{
    NbdConnection *best;
    NbdOp *op;

    do {
        while ((op = QTAILQ_FIRST(&client->waiting)) && (best = best_of(client))) {
            QTAILQ_REMOVE(&client->waiting, op, next);
            go(op, best);
        }
        if (op) {
            nbd_client_wake(client);
        }
        /* If this finds a connection lost, its requests go to another one. */
        for (unsigned i = 0; i < client->connections; i++) {
            nbd_send(&client->connection[i]);
        }
    } while (!op && !QTAILQ_EMPTY(&client->waiting) && best_of(client));
}

/* ---- The engine ---- */

/* Returns what the request comes to without the server, or 1 if it has to be sent. */
static int without_server(NbdClient *client, PortIo *io, uint32_t *total)
{
    uint64_t size = client->info.size, offset = (uint64_t)io->offset, length = 0;
    uint32_t mask = client->info.min_block - 1;

    *total = 0;
    if (io->op == PORT_IO_FDATASYNC) {
        return client->info.flags & NBD_FLAG_SEND_FLUSH ? 1 : 0;
    }
    for (unsigned i = 0; i < io->niov; i++) {
        length += io->iov[i].iov_len;
    }
    if (io->op == PORT_IO_WRITE) {
        if (client->info.flags & NBD_FLAG_READ_ONLY) {
            return -EROFS;
        }
        if (offset > size || length > size - offset) {
            return -ENOSPC;
        }
    } else {
        length = offset >= size ? 0 : MIN(length, size - offset);
    }
    if ((offset | length) & mask) {
        return -EINVAL;
    }
    *total = (uint32_t)length;
    return length ? 1 : 0;
}

static void begin(NbdQueue *queue, PortIo *io)
{
    static const uint16_t commands[] = {
        [PORT_IO_READ] = NBD_CMD_READ,
        [PORT_IO_WRITE] = NBD_CMD_WRITE,
        [PORT_IO_FDATASYNC] = NBD_CMD_FLUSH,
    };
    NbdClient *client = nbd_client_get(queue, io->fd);
    /* There is one: the context's queue submits no more than there are. */
    NbdOp *op = QTAILQ_FIRST(&queue->free);
    int ret;

    QTAILQ_REMOVE(&queue->free, op, next);
    op->io = io;
    op->client = client;
    op->connection = NULL;
    op->done = 0;
    op->tries = 0;
    op->begun = false;
    op->command = commands[io->op];
    ret = client && client->is_open ? without_server(client, io, &op->total) : -EBADF;
    if (ret <= 0) {
        nbd_op_end(queue, op, ret);
    } else {
        op->state = NBD_OP_WAITING;
        QTAILQ_INSERT_TAIL(&client->waiting, op, next);
    }
}

int nbd_queue_submit(NbdQueue *queue, PortIo **ios, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        begin(queue, ios[i]);
    }
    /* All of a batch go out together. */
    for (unsigned i = 0; i < n; i++) {
        NbdClient *client = nbd_client_get(queue, ios[i]->fd);

        if (client && !QTAILQ_EMPTY(&client->waiting)) {
            nbd_client_run(client);
        }
    }
    return (int)n;
}

unsigned nbd_queue_reap(NbdQueue *queue, PortIo **ios, unsigned n)
{
    unsigned count = 0;
    NbdOp *op;

    while (count < n && (op = QTAILQ_FIRST(&queue->ended))) {
        QTAILQ_REMOVE(&queue->ended, op, next);
        ios[count++] = op->io;
        op->io = NULL;
        QTAILQ_INSERT_HEAD(&queue->free, op, next);
    }
    return count;
}

void nbd_queue_cancel(NbdQueue *queue, PortIo *io)
{
    NbdOp *op = queue->ops;

    while (op->io != io) {
        op++;
    }
    /* What the server has seen a part of may be done; but nobody reads for a request that waits for a connection. */
    if (op->done || (op->begun && (op->state != NBD_OP_WAITING || op->command != NBD_CMD_READ))) {
        return;
    }
    if (op->state == NBD_OP_WAITING) {
        QTAILQ_REMOVE(&op->client->waiting, op, next);
        nbd_op_end(queue, op, -ECANCELED);
    } else if (op->state == NBD_OP_SENDING) {
        nbd_op_leave(op);
        nbd_op_end(queue, op, -ECANCELED);
    }
}

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

/* The request is about a range, and moves no data. */
static bool is_range(const NbdOp *op)
{
    return op->command >= NBD_CMD_TRIM;
}

/* Nothing changes by it. */
static bool only_asks(const NbdOp *op)
{
    return op->command == NBD_CMD_READ || op->command == NBD_CMD_BLOCK_STATUS;
}

/* Prepares the next fragment, or the same one again, for a connection. */
static void go(NbdOp *op, NbdConnection *conn)
{
    NbdQueue *queue = op->client->queue;
    bool moves = op->command != NBD_CMD_FLUSH;
    uint8_t *at = op->header;

    /* A server may have to write zeros as data, so their limit is that of data. */
    op->length = (uint32_t)MIN(op->total - op->done, is_range(op) && op->command != NBD_CMD_WRITE_ZEROES
                                                         ? NBD_MAX_RANGE : conn->client->info.max_block);
    op->pieces = op->extents = 0;
    op->covered = 0;
    op->left_out = false;
    op->error = 0;
    /* No two requests of a context have the same cookie, even on a connection that is late. */
    op->cookie = (uint64_t)++queue->serial * NBD_SLOTS + (uint64_t)(op - queue->ops);
    at = nbd_put(at, NBD_REQUEST_MAGIC, 4);
    at = nbd_put(at, op->flags, 2);
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
        /* To trim is a hint. */
        bool ignored = op->command == NBD_CMD_TRIM && op->error == -ENOTSUP;

        nbd_op_end(op->client->queue, op, ignored ? 0 : op->error);
        return;
    }
    if (op->command == NBD_CMD_BLOCK_STATUS) {
        nbd_op_end(op->client->queue, op, (int)op->extents);
        return;
    }
    op->done += op->length;
    if (op->done < op->total && !op->canceled) {
        op->tries = 0;
        go(op, conn);
    } else if (op->done < op->total) {
        nbd_op_end(op->client->queue, op, -ECANCELED);
    } else {
        op->io->fua = op->io->fua && !(op->flags & NBD_CMD_FLAG_FUA);
        nbd_op_end(op->client->queue, op, is_range(op) ? 0 : (int)op->total);
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

/* What a request needs of the server besides reading and writing, by PortIoOp: a flag of the export, and what it comes to
 * without it. */
static const struct {
    uint16_t command, flag;
    int without;
} commands[] = {
    [PORT_IO_READ] = { NBD_CMD_READ, 0, 0 },
    [PORT_IO_WRITE] = { NBD_CMD_WRITE, 0, 0 },
    [PORT_IO_FDATASYNC] = { NBD_CMD_FLUSH, NBD_FLAG_SEND_FLUSH, 0 },
    [PORT_IO_DISCARD] = { NBD_CMD_TRIM, NBD_FLAG_SEND_TRIM, 0 },
    /* raw_aio_step() writes zeros as data then. */
    [PORT_IO_WRITE_ZEROES] = { NBD_CMD_WRITE_ZEROES, NBD_FLAG_SEND_WRITE_ZEROES, -ENOTSUP },
    [PORT_IO_BLOCK_STATUS] = { NBD_CMD_BLOCK_STATUS, 0, 0 },
};

enum { SEND = INT_MAX };

/* Checks the range of a request, and sets op->total. Returns -errno, or 0. */
static int check_range(NbdOp *op, const NbdExport *info)
{
    const PortIo *io = op->io;
    uint64_t size = info->size, offset = (uint64_t)io->offset, length = 0;
    bool is_hint = io->op == PORT_IO_DISCARD, writes = is_hint || io->op == PORT_IO_WRITE || io->op == PORT_IO_WRITE_ZEROES;

    if (is_range(op)) {
        length = (uint64_t)io->length;
    } else {
        for (unsigned i = 0; i < io->niov; i++) {
            length += io->iov[i].iov_len;
        }
    }
    if (!writes) {
        length = offset >= size ? 0 : MIN(length, size - offset);
    } else if (info->flags & NBD_FLAG_READ_ONLY) {
        return -EROFS;
    } else if (offset > size || length > size - offset) {
        return is_hint ? -EINVAL : -ENOSPC;
    }
    op->total = length;
    return (offset | length) & (info->min_block - 1) ? -EINVAL : 0;
}

/* Returns what the request comes to without the server, or SEND. */
static int without_server(NbdOp *op)
{
    const NbdExport *info = &op->client->info;
    PortIo *io = op->io;
    int ret = 0;

    if (io->op != PORT_IO_FDATASYNC) {
        ret = check_range(op, info);
        if (ret || !op->total) {
            return ret;
        }
    }
    if (commands[io->op].flag & ~info->flags) {
        return commands[io->op].without;
    }
    if (io->op == PORT_IO_BLOCK_STATUS && !info->block_status) {
        *(RawAioExtent *)io->iov->iov_base = (RawAioExtent){ .bytes = (int64_t)op->total, .flags = BDRV_BLOCK_DATA };
        return 1;
    }
    if (io->fua && info->flags & NBD_FLAG_SEND_FUA) {
        op->flags |= NBD_CMD_FLAG_FUA;
    }
    if (io->op == PORT_IO_WRITE_ZEROES && !io->may_unmap) {
        op->flags |= NBD_CMD_FLAG_NO_HOLE;
    }
    return SEND;
}

static void begin(NbdQueue *queue, PortIo *io)
{
    NbdClient *client = nbd_client_get(queue, io->fd);
    /* There is one: the context's queue submits no more than there are. */
    NbdOp *op = QTAILQ_FIRST(&queue->free);
    int ret;

    QTAILQ_REMOVE(&queue->free, op, next);
    op->io = io;
    op->client = client;
    op->connection = NULL;
    op->total = op->done = 0;
    op->tries = 0;
    op->begun = op->canceled = false;
    op->command = commands[io->op].command;
    op->flags = 0;
    ret = client && client->is_open ? without_server(op) : -EBADF;
    if (ret != SEND) {
        if (client && ret == -client->why_error) {
            client->why_error = 0;     /* it has nothing to do with this one */
        }
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
    op->canceled = is_range(op);
    /* What the server has seen a part of may be done; but nobody reads for a request that waits for a connection. */
    if (op->done || (op->begun && (op->state != NBD_OP_WAITING || !only_asks(op)))) {
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

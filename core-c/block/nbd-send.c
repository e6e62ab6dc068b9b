/* SPDX-License-Identifier: MIT */
/* The NBD client: moving bytes between a connection and the memory of its requests. */
#include "block/nbd.h"
#include "port/calls.h"

unsigned nbd_ranges(const PortIo *io, uint32_t at, uint32_t length, struct iovec *iov, unsigned max)
{
    unsigned n = 0;

    for (unsigned i = 0; i < io->niov && n < max && length; i++) {
        size_t here = io->iov[i].iov_len;

        if (at >= here) {
            at -= (uint32_t)here;
            continue;
        }
        here = MIN(here - at, (size_t)length);
        iov[n++] = (struct iovec){ (char *)io->iov[i].iov_base + at, here };
        length -= (uint32_t)here;
        at = 0;
    }
    return n;
}

/* ---- Sending ---- */

static uint64_t bytes_of(const NbdOp *op)
{
    return NBD_REQUEST_BYTES + (op->command == NBD_CMD_WRITE ? (uint64_t)op->length : 0);
}

/* Collects what is to be sent next. Returns the number of ranges. */
static unsigned collect(NbdConnection *conn, struct iovec *iov)
{
    uint64_t skip = conn->sent;
    unsigned n = 0;
    NbdOp *op;

    if (conn->out_head < conn->out_tail) {
        iov[n++] = (struct iovec){ conn->out + conn->out_head, conn->out_tail - conn->out_head };
    }
    if (conn->phase != NBD_READY) {
        return n;
    }
    QTAILQ_FOREACH(op, &conn->sending, next) {
        uint64_t size = bytes_of(op);
        uint32_t at = skip > NBD_REQUEST_BYTES ? (uint32_t)(skip - NBD_REQUEST_BYTES) : 0;

        if (n == NBD_IOV) {
            break;
        }
        if (skip < NBD_REQUEST_BYTES) {
            iov[n++] = (struct iovec){ op->header + skip, NBD_REQUEST_BYTES - skip };
        }
        if (size > NBD_REQUEST_BYTES) {
            unsigned before = n;
            uint32_t left = op->length - at;

            n += nbd_ranges(op->io, (uint32_t)op->done + at, left, iov + n, NBD_IOV - n);
            for (unsigned i = before; i < n; i++) {
                left -= (uint32_t)iov[i].iov_len;
            }
            if (left) {
                break;                 /* the table is full */
            }
        }
        skip = 0;
    }
    return n;
}

/* Accounts for n bytes that were taken. */
static void advance(NbdConnection *conn, uint64_t n)
{
    unsigned out = (unsigned)MIN(n, (uint64_t)(conn->out_tail - conn->out_head));
    NbdOp *op;

    conn->out_head += out;
    if (conn->out_head == conn->out_tail) {
        conn->out_head = conn->out_tail = 0;
    }
    conn->sent += n - out;
    while ((op = QTAILQ_FIRST(&conn->sending)) && conn->sent) {
        op->begun = true;
        if (conn->sent < bytes_of(op)) {
            break;
        }
        conn->sent -= bytes_of(op);
        op->state = NBD_OP_SENT;
        QTAILQ_REMOVE(&conn->sending, op, next);
        QTAILQ_INSERT_TAIL(&conn->waiting_for_reply, op, next);
    }
}

void nbd_send(NbdConnection *conn)
{
    NbdClient *client = conn->client;
    struct iovec iov[NBD_IOV];

    while (conn->phase > NBD_CONNECTING && conn->phase != NBD_SECURING && !conn->full) {
        unsigned n = collect(conn, iov);
        uint64_t length = 0;
        int taken;

        if (n == 0) {
            return;
        }
        for (unsigned i = 0; i < n; i++) {
            length += iov[i].iov_len;
        }
        port_count_add(&client->queue->kicks, 1);
        taken = CALL_USER(client->options.transport->send, client->options.opaque, conn->number, iov, n);
        if (taken == -EAGAIN) {
            conn->full = true;
        } else if (taken < 0) {
            nbd_fail(conn, -taken, "the connection was lost while requests were sent");
        } else {
            /* A large write on a slow line moves, too. */
            conn->progress += conn->phase == NBD_READY && length > NBD_STAGING;
            advance(conn, (uint64_t)taken);
        }
    }
}

/* ---- Receiving ---- */

/* Takes the messages that are complete in the staging area. */
static void take_messages(NbdConnection *conn)
{
    while (conn->phase != NBD_IDLE) {
        unsigned n = conn->tail - conn->head;
        const uint8_t *bytes = conn->staging + conn->head;
        unsigned taken;

        if (conn->body) {
            struct iovec iov;
            uint32_t here = MIN(n, conn->body_left);

            if (!n) {
                break;
            }
            while (here && conn->body_left) {
                unsigned copy;

                nbd_ranges(conn->body->io, conn->body_at, MIN(here, conn->body_left), &iov, 1);
                copy = (unsigned)iov.iov_len;
                memcpy(iov.iov_base, conn->staging + conn->head, copy);
                conn->head += copy;
                conn->body_at += copy;
                conn->body_left -= copy;
                here -= copy;
            }
            if (!conn->body_left) {
                nbd_reply_body(conn);
                if (conn->phase == NBD_IDLE) {
                    return;
                }
            }
            continue;
        }
        taken = conn->phase == NBD_READY ? nbd_reply_take(conn, bytes, n) : nbd_handshake_take(conn, bytes, n);
        if (conn->phase == NBD_IDLE) {
            return;                    /* it was failed, and nothing is staged any more */
        }
        if (!taken) {
            break;
        }
        conn->head += taken;
    }
    /* What is left is the beginning of a message, so that the rest of it fits behind it. */
    conn->tail -= conn->head;
    if (conn->head && conn->tail) {
        memmove(conn->staging, conn->staging + conn->head, conn->tail);
    }
    conn->head = 0;
}

/* Accounts for n bytes that were received into the ranges of the body and the staging area. */
static void received(NbdConnection *conn, uint32_t n)
{
    if (conn->body) {
        uint32_t here = MIN(n, conn->body_left);

        conn->body_at += here;
        conn->body_left -= here;
        n -= here;
        if (here >= NBD_STAGING) {
            conn->progress++;          /* much data on a slow line moves, too */
        }
        if (!conn->body_left) {
            nbd_reply_body(conn);
        }
    }
    if (conn->phase != NBD_IDLE) {
        conn->tail += n;
        take_messages(conn);
    }
}

void nbd_client_readable(AioContext *ctx, int number, unsigned connection)
{
    NbdClient *client = nbd_client_get(nbd_queue_of(ctx), number);
    NbdConnection *conn = client && connection < client->connections ? &client->connection[connection] : NULL;

    /* A loop has other work, too: a transport that has more says so again. */
    for (unsigned turns = 0; conn && conn->phase > NBD_CONNECTING && turns < NBD_IOV; turns++) {
        struct iovec iov[NBD_IOV];
        unsigned n = 0;
        uint32_t left = 0;
        int got;

        if (conn->phase == NBD_SECURING) {
            return;
        }
        if (conn->body) {
            left = conn->body_left;
            n = nbd_ranges(conn->body->io, conn->body_at, left, iov, NBD_IOV - 1);
            for (unsigned i = 0; i < n; i++) {
                left -= (uint32_t)iov[i].iov_len;
            }
        }
        if (!left) {
            iov[n++] = (struct iovec){ conn->staging + conn->tail, NBD_STAGING - conn->tail };
        }
        got = CALL_USER(client->options.transport->receive, client->options.opaque, connection, iov, n);
        if (got == -EAGAIN) {
            break;
        }
        if (got <= 0) {
            nbd_fail(conn, got ? -got : ECONNRESET, got ? "the connection was lost" : "the server has closed the connection");
            break;
        }
        received(conn, (uint32_t)got);
    }
    nbd_client_settle(client);
}

/* SPDX-License-Identifier: MIT */
/* The NBD client: what the server answers to requests. Data goes to the request's memory directly; what lies outside
 * of the request ends the connection. */
#include "block/nbd.h"

/* Returns the request that a reply names, or fails the connection. */
static NbdOp *find(NbdConnection *conn, const uint8_t *cookie)
{
    uint64_t value = nbd_get(cookie, 8);
    NbdOp *op = &conn->client->queue->ops[value % NBD_SLOTS];

    if (!op->io || op->state != NBD_OP_SENT || op->connection != conn || op->cookie != value) {
        nbd_fail(conn, EPROTO, "the server has answered a request that it was not sent (%#" PRIx64 ")", value);
        return NULL;
    }
    return op;
}

/* The errno of an error of the protocol. */
static int error_of(uint32_t error)
{
    switch (error) {
    case 1:
        return -EPERM;
    case 22:
        return -EINVAL;
    case 28:
        return -ENOSPC;
    case 75:
        return -EOVERFLOW;
    case 95:
        return -ENOTSUP;
    default:
        /* EIO, and ENOMEM: the server's memory is not ours. */
        return -EIO;
    }
}

/* Notes an error of the request. Returns false if the connection was failed instead. */
static bool note_error(NbdOp *op, uint32_t error)
{
    if (error == 108) {
        /* The protocol's ESHUTDOWN: the request is sent to the next server. */
        nbd_fail(op->connection, ECONNRESET, "the server is shutting down");
        return false;
    }
    if (error == 0) {
        nbd_fail(op->connection, EPROTO, "the server reports an error without a number");
        return false;
    }
    if (!op->error) {
        op->error = error_of(error);
    }
    return true;
}

static void answered(NbdOp *op)
{
    NbdConnection *conn = op->connection;

    conn->progress++;
    if (!op->error && op->command == NBD_CMD_READ &&
        (op->pieces != 1 || op->piece[0].from != 0 || op->piece[0].to != op->length)) {
        nbd_fail(conn, EPROTO, "the server has ended a read without all of its data");
        return;
    }
    nbd_op_answered(op);
}

/* Notes that bytes [from, to) of the fragment arrive. Returns false, having failed the connection, if they lie outside
 * or have arrived before. */
static bool add_piece(NbdOp *op, uint64_t offset, uint32_t length)
{
    uint64_t begin = (uint64_t)op->io->offset + op->done;
    uint32_t from, to;
    unsigned i = 0;

    if (op->command != NBD_CMD_READ || offset < begin || length == 0 || length > op->length ||
        offset - begin > op->length - length) {
        nbd_fail(op->connection, EPROTO, "the server has sent data outside of what was asked for");
        return false;
    }
    from = (uint32_t)(offset - begin);
    to = from + length;
    while (i < op->pieces && op->piece[i].from < from) {
        i++;
    }
    if ((i > 0 && op->piece[i - 1].to > from) || (i < op->pieces && op->piece[i].from < to)) {
        nbd_fail(op->connection, EPROTO, "the server has sent the same data twice");
        return false;
    }
    if (i > 0 && op->piece[i - 1].to == from) {
        op->piece[i - 1].to = to;
        if (i < op->pieces && op->piece[i].from == to) {
            op->piece[i - 1].to = op->piece[i].to;
            op->pieces--;
            memmove(&op->piece[i], &op->piece[i + 1], (op->pieces - i) * sizeof(op->piece[0]));
        }
    } else if (i < op->pieces && op->piece[i].from == to) {
        op->piece[i].from = from;
    } else if (op->pieces == NBD_MAX_PIECES) {
        nbd_fail(op->connection, EPROTO, "the server sends the data of a read in too many pieces out of order");
        return false;
    } else {
        memmove(&op->piece[i + 1], &op->piece[i], (op->pieces - i) * sizeof(op->piece[0]));
        op->piece[i].from = from;
        op->piece[i].to = to;
        op->pieces++;
    }
    return true;
}

/* Data for bytes [at, at + length) of the fragment follows. */
static void begin_body(NbdOp *op, uint64_t offset, uint32_t length, bool ends)
{
    NbdConnection *conn = op->connection;

    conn->body = op;
    conn->body_at = (uint32_t)(offset - (uint64_t)op->io->offset);
    conn->body_left = length;
    conn->body_ends = ends;
}

void nbd_reply_body(NbdConnection *conn)
{
    NbdOp *op = conn->body;

    conn->body = NULL;
    conn->progress++;
    if (conn->body_ends) {
        answered(op);
    }
}

static void zero(NbdOp *op, uint32_t at, uint32_t length)
{
    struct iovec iov[NBD_IOV];

    while (length) {
        unsigned n = nbd_ranges(op->io, at, length, iov, NBD_IOV);

        for (unsigned i = 0; i < n; i++) {
            memset(iov[i].iov_base, 0, iov[i].iov_len);
            at += (uint32_t)iov[i].iov_len;
            length -= (uint32_t)iov[i].iov_len;
        }
    }
}

static unsigned simple(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    uint32_t error;
    NbdOp *op;

    if (n < NBD_SIMPLE_BYTES || !(op = find(conn, bytes + 8))) {
        return 0;
    }
    error = (uint32_t)nbd_get(bytes + 4, 4);
    if (op->command == NBD_CMD_READ && conn->info.structured) {
        nbd_fail(conn, EPROTO, "the server has answered a read by a simple reply although structured ones were agreed on");
        return 0;
    }
    if (error) {
        if (!note_error(op, error)) {
            return 0;
        }
        answered(op);
    } else if (op->command == NBD_CMD_READ) {
        uint64_t at = (uint64_t)op->io->offset + op->done;

        if (!add_piece(op, at, op->length)) {
            return 0;
        }
        begin_body(op, at, op->length, true);
    } else {
        answered(op);
    }
    return NBD_SIMPLE_BYTES;
}

static unsigned chunk(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    const uint8_t *payload = bytes + NBD_CHUNK_BYTES;
    uint32_t length, size;
    uint16_t type;
    uint64_t offset;
    bool ends;
    NbdOp *op;

    if (n < NBD_CHUNK_BYTES) {
        return 0;
    }
    if (!conn->info.structured) {
        nbd_fail(conn, EPROTO, "the server has sent a structured reply that was not agreed on");
        return 0;
    }
    ends = nbd_get(bytes + 4, 2) & NBD_REPLY_FLAG_DONE;
    type = (uint16_t)nbd_get(bytes + 6, 2);
    length = (uint32_t)nbd_get(bytes + 16, 4);
    size = type == NBD_REPLY_DATA ? 8 : length;      /* of what is looked at as a whole */
    op = find(conn, bytes + 8);
    if (!op) {
        return 0;
    }
    if (size > NBD_MAX_TEXT || (type == NBD_REPLY_NONE && (length || !ends)) || (type == NBD_REPLY_DATA && length < 9) ||
        (type == NBD_REPLY_HOLE && length != 12) || (type & NBD_REPLY_ERROR && length < 6) ||
        (type > NBD_REPLY_HOLE && !(type & NBD_REPLY_ERROR))) {
        nbd_fail(conn, EPROTO, "the server has sent a chunk of type %#x with %u bytes, which there is not", type, length);
        return 0;
    }
    if (n - NBD_CHUNK_BYTES < size) {
        return 0;
    }
    if (type == NBD_REPLY_DATA) {
        offset = nbd_get(payload, 8);
        if (!add_piece(op, offset, length - 8)) {
            return 0;
        }
        begin_body(op, offset, length - 8, ends);
        return NBD_CHUNK_BYTES + 8;
    }
    if (type == NBD_REPLY_HOLE) {
        offset = nbd_get(payload, 8);
        if (!add_piece(op, offset, (uint32_t)nbd_get(payload + 8, 4))) {
            return 0;
        }
        zero(op, (uint32_t)(offset - (uint64_t)op->io->offset), (uint32_t)nbd_get(payload + 8, 4));
    } else if (type & NBD_REPLY_ERROR) {
        if (nbd_get(payload + 4, 2) > length - 6) {
            nbd_fail(conn, EPROTO, "the server has sent an error whose text is longer than its chunk");
            return 0;
        }
        if (!note_error(op, (uint32_t)nbd_get(payload, 4))) {
            return 0;
        }
    }
    if (ends) {
        answered(op);
    }
    return conn->phase == NBD_IDLE ? 0 : NBD_CHUNK_BYTES + length;
}

unsigned nbd_reply_take(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    uint32_t magic;

    if (n < 4) {
        return 0;
    }
    magic = (uint32_t)nbd_get(bytes, 4);
    if (magic == NBD_SIMPLE_REPLY_MAGIC) {
        return simple(conn, bytes, n);
    }
    if (magic == NBD_STRUCTURED_REPLY_MAGIC) {
        return chunk(conn, bytes, n);
    }
    nbd_fail(conn, EPROTO, "the server has sent something else than a reply (%#x)", magic);
    return 0;
}

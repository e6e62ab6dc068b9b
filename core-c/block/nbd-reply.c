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

/* Notes an error of the request, and what the server says about it. Returns false if the connection was failed instead. */
static bool note_error(NbdOp *op, uint32_t error, const uint8_t *text, uint32_t length)
{
    NbdClient *client = op->client;
    char said[NBD_SAID + 1];

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
        client->why_error = -op->error;
        nbd_said(said, text, length);
        snprintf(client->why, sizeof(client->why), length ? "the server says: %s" : "%s", said);
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
    if (!op->error && op->command == NBD_CMD_BLOCK_STATUS && !op->covered) {
        nbd_fail(conn, EPROTO, "the server has ended a block status without one");
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

/* Stores an extent, which begins where those before it end. */
static void add_extent(NbdOp *op, uint32_t length, uint32_t state)
{
    RawAioExtent *extents = op->io->iov->iov_base, *last = op->extents ? &extents[op->extents - 1] : NULL;
    int64_t bytes = MIN(length, op->length - op->covered);
    uint32_t flags = (state & NBD_STATE_HOLE ? 0 : BDRV_BLOCK_DATA) | (state & NBD_STATE_ZERO ? BDRV_BLOCK_ZERO : 0);

    op->covered += (uint64_t)bytes;
    if (op->left_out) {
        return;
    }
    if (last && last->flags == flags) {
        last->bytes += bytes;
    } else if (op->extents < op->io->iov->iov_len / sizeof(*extents)) {
        extents[op->extents++] = (RawAioExtent){ .bytes = bytes, .flags = flags };
    } else {
        op->left_out = true;           /* whoever asks for more begins here */
    }
}

/* Takes the extents that have arrived completely. */
static unsigned take_extents(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    NbdOp *op = conn->status;
    unsigned size = MIN(n, conn->status_left) / NBD_EXTENT_BYTES * NBD_EXTENT_BYTES;

    for (unsigned at = 0; at < size; at += NBD_EXTENT_BYTES) {
        uint32_t length = (uint32_t)nbd_get(bytes + at, 4);

        if (op->covered >= op->length || length == 0 || length & (conn->client->info.min_block - 1)) {
            nbd_fail(conn, EPROTO, "the server has told the status of %u bytes, which is not a part of what it was asked for", length);
            return 0;
        }
        add_extent(op, length, (uint32_t)nbd_get(bytes + at + 4, 4));
    }
    conn->status_left -= size;
    if (!conn->status_left) {
        conn->status = NULL;
        if (conn->body_ends) {
            answered(op);
        }
    }
    return size;
}

/* Begins to take a chunk of extents. */
static unsigned status(NbdConnection *conn, NbdOp *op, const uint8_t *payload, uint32_t length, bool ends)
{
    if (op->command != NBD_CMD_BLOCK_STATUS || op->covered || (uint32_t)nbd_get(payload, 4) != conn->context) {
        nbd_fail(conn, EPROTO, "the server has told a status that it was not asked for");
        return 0;
    }
    conn->status = op;
    conn->status_left = length - 4;
    conn->body_ends = ends;
    return NBD_CHUNK_BYTES + 4;
}

static unsigned simple(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    uint32_t error;
    NbdOp *op;

    if (n < NBD_SIMPLE_BYTES || !(op = find(conn, bytes + 8))) {
        return 0;
    }
    error = (uint32_t)nbd_get(bytes + 4, 4);
    if ((op->command == NBD_CMD_READ || op->command == NBD_CMD_BLOCK_STATUS) && conn->info.structured) {
        nbd_fail(conn, EPROTO, "the server has answered a request by a simple reply although structured ones were agreed on");
        return 0;
    }
    if (error) {
        if (!note_error(op, error, NULL, 0)) {
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

/* Whether there are chunks of this type that have so many bytes. */
static bool is_chunk(uint16_t type, uint32_t length, bool ends)
{
    switch (type) {
    case NBD_REPLY_NONE:
        return length == 0 && ends;
    case NBD_REPLY_DATA:
        return length >= 9;
    case NBD_REPLY_HOLE:
        return length == 12;
    case NBD_REPLY_BLOCK_STATUS:
        return length >= 4 + NBD_EXTENT_BYTES && length % NBD_EXTENT_BYTES == 4 &&
               length <= 4 + (uint32_t)NBD_MAX_EXTENTS * NBD_EXTENT_BYTES;
    default:
        return type & NBD_REPLY_ERROR && length >= 6 && length <= NBD_MAX_TEXT;
    }
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
    /* Of what is looked at as a whole. */
    size = type == NBD_REPLY_DATA ? 8 : type == NBD_REPLY_BLOCK_STATUS ? 4 : length;
    op = find(conn, bytes + 8);
    if (!op) {
        return 0;
    }
    if (!is_chunk(type, length, ends)) {
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
    if (type == NBD_REPLY_BLOCK_STATUS) {
        return status(conn, op, payload, length, ends);
    }
    if (type == NBD_REPLY_HOLE) {
        offset = nbd_get(payload, 8);
        if (!add_piece(op, offset, (uint32_t)nbd_get(payload + 8, 4))) {
            return 0;
        }
        zero(op, (uint32_t)(offset - (uint64_t)op->io->offset), (uint32_t)nbd_get(payload + 8, 4));
    } else if (type & NBD_REPLY_ERROR) {
        uint32_t text = (uint32_t)nbd_get(payload + 4, 2);

        if (text > length - 6) {
            nbd_fail(conn, EPROTO, "the server has sent an error whose text is longer than its chunk");
            return 0;
        }
        if (!note_error(op, (uint32_t)nbd_get(payload, 4), payload + 6, text)) {
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

    if (conn->status) {
        return take_extents(conn, bytes, n);
    }
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

/* SPDX-License-Identifier: MIT */
/* The NBD client: from the server's greeting to the first request. */
#include "block/nbd.h"
#include "port/calls.h"

/* ---- What the client sends ---- */

/* Begins an option with `bytes` bytes of data, and returns where they go. Only one is under way at a time. */
static uint8_t *begin_option(NbdConnection *conn, uint32_t option, uint32_t bytes)
{
    uint8_t *at = conn->out + conn->out_tail;

    at = nbd_put(at, NBD_OPTION_MAGIC, 8);
    at = nbd_put(at, option, 4);
    at = nbd_put(at, bytes, 4);
    conn->out_tail += NBD_OPTION_BYTES + bytes;
    conn->option = option;
    conn->replies = 0;
    conn->phase = option == NBD_OPT_EXPORT_NAME ? NBD_NAMED : NBD_HAGGLING;
    return at;
}

static void ask_for_export(NbdConnection *conn, uint32_t option)
{
    const char *name = conn->client->name;
    uint32_t length = (uint32_t)strlen(name);
    uint8_t *at;

    if (option == NBD_OPT_EXPORT_NAME) {
        memcpy(begin_option(conn, option, length), name, length);
        return;
    }
    at = nbd_put(begin_option(conn, option, 4 + length + 4), length, 4);
    memcpy(at, name, length);
    at = nbd_put(at + length, 1, 2);
    nbd_put(at, NBD_INFO_BLOCK_SIZE, 2);
}

/* Which blocks are holes is told in this context. */
static void ask_for_context(NbdConnection *conn)
{
    static const char query[] = NBD_BASE_ALLOCATION;
    const char *name = conn->client->name;
    uint32_t length = (uint32_t)strlen(name), size = sizeof(query) - 1;
    uint8_t *at = begin_option(conn, NBD_OPT_SET_META_CONTEXT, 4 + length + 4 + 4 + size);

    at = nbd_put(at, length, 4);
    memcpy(at, name, length);
    at = nbd_put(at + length, 1, 4);
    memcpy(nbd_put(at, size, 4), query, size);
}

/* ---- What the server sends ---- */

static unsigned greeting(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    uint64_t magic;
    uint16_t flags;

    if (n >= 8 && nbd_get(bytes, 8) != NBD_MAGIC) {
        nbd_fail(conn, EPROTO, "what answers there is no NBD server: check host and port");
        return 0;
    }
    if (n < 18) {
        return 0;
    }
    magic = nbd_get(bytes + 8, 8);
    flags = (uint16_t)nbd_get(bytes + 16, 2);
    if (magic == NBD_OLD_STYLE_MAGIC || (magic == NBD_OPTION_MAGIC && !(flags & NBD_FIXED_NEWSTYLE))) {
        nbd_fail(conn, EPROTONOSUPPORT, "the server speaks only an old form of NBD: use one of this decade "
                 "(nbdkit, qemu-nbd, nbd-server 3.10)");
        return 0;
    }
    if (magic != NBD_OPTION_MAGIC) {
        nbd_fail(conn, EPROTO, "what answers there is no NBD server: check host and port");
        return 0;
    }
    conn->zeroes = !(flags & NBD_NO_ZEROES);
    nbd_put(conn->out, flags & (NBD_FIXED_NEWSTYLE | NBD_NO_ZEROES), 4);
    conn->out_tail = 4;
    begin_option(conn, conn->client->options.tls ? NBD_OPT_STARTTLS : NBD_OPT_STRUCTURED_REPLY, 0);
    return 18;
}

void nbd_handshake_secured(NbdConnection *conn)
{
    begin_option(conn, NBD_OPT_STRUCTURED_REPLY, 0);
}

void nbd_said(char *said, const uint8_t *text, uint32_t length)
{
    unsigned n = MIN(length, (unsigned)NBD_SAID);

    for (unsigned i = 0; i < n; i++) {
        said[i] = text[i] >= ' ' && text[i] < 127 ? (char)text[i] : '?';
    }
    said[n] = '\0';
}

/* Appends what the server says. */
static void refused(NbdConnection *conn, int errnum, const char *what, const uint8_t *text, uint32_t length)
{
    char said[NBD_SAID + 1];

    nbd_said(said, text, length);
    /* The polite end, as far as the connection takes it at once. */
    begin_option(conn, NBD_OPT_ABORT, 0);
    nbd_send(conn);
    nbd_fail(conn, errnum, length ? "%s (the server says: %s)" : "%s%s", what, said);
}

static void option_failed(NbdConnection *conn, uint32_t type, const uint8_t *text, uint32_t length)
{
    char what[160];

    if (type == NBD_REP_ERR_TLS_REQD) {
        refused(conn, EACCES, "the server demands TLS: use nbds:// instead of nbd://", text, length);
    } else if (type == NBD_REP_ERR_SHUTDOWN) {
        refused(conn, ECONNREFUSED, "the server is shutting down", text, length);
    } else if (conn->option == NBD_OPT_STARTTLS) {
        refused(conn, EPROTONOSUPPORT, "the server has no TLS: start it with certificates, or use nbd:// instead of nbds://",
                text, length);
    } else if (conn->option == NBD_OPT_STRUCTURED_REPLY) {
        /* An older server: its replies are simple ones. */
        conn->info.structured = false;
        ask_for_export(conn, NBD_OPT_GO);
    } else if (conn->option == NBD_OPT_SET_META_CONTEXT) {
        /* It does not know where holes are. If the reason is another one, it is the answer to the next option, too. */
        conn->info.block_status = false;
        ask_for_export(conn, NBD_OPT_GO);
    } else if (type == NBD_REP_ERR_UNSUP) {
        ask_for_export(conn, NBD_OPT_EXPORT_NAME);
    } else if (type == NBD_REP_ERR_UNKNOWN) {
        snprintf(what, sizeof(what), "the server has no export named '%.64s': list its exports with nbdinfo --list",
                 conn->client->name);
        refused(conn, ENOENT, what, text, length);
    } else if (type == NBD_REP_ERR_POLICY) {
        refused(conn, EACCES, "the server does not allow the export to this client", text, length);
    } else {
        refused(conn, EINVAL, "the server refuses the export", text, length);
    }
}

static void take_info(NbdConnection *conn, const uint8_t *data, uint32_t length)
{
    NbdExport *info = &conn->info;
    unsigned type = length < 2 ? UINT_MAX : (unsigned)nbd_get(data, 2);

    if (type == NBD_INFO_EXPORT && length == 12) {
        info->size = nbd_get(data + 2, 8);
        info->flags = (uint16_t)nbd_get(data + 10, 2);
        conn->has_info = true;
    } else if (type == NBD_INFO_BLOCK_SIZE && length == 14) {
        info->min_block = (uint32_t)nbd_get(data + 2, 4);
        info->preferred_block = (uint32_t)nbd_get(data + 6, 4);
        info->max_block = (uint32_t)nbd_get(data + 10, 4);
    } else if (length < 2 || type == NBD_INFO_EXPORT || type == NBD_INFO_BLOCK_SIZE) {
        nbd_fail(conn, EPROTO, "the server has described the export in %u bytes, which does not fit", length);
    }
}

static void take_context(NbdConnection *conn, const uint8_t *data, uint32_t length)
{
    static const char name[] = NBD_BASE_ALLOCATION;

    if (conn->info.block_status || length != 4 + sizeof(name) - 1 || memcmp(data + 4, name, sizeof(name) - 1)) {
        nbd_fail(conn, EPROTO, "the server has selected a metadata context that it was not asked for");
        return;
    }
    conn->context = (uint32_t)nbd_get(data, 4);
    conn->info.block_status = true;
}

/* The export is known: checks it, and begins to send requests. */
static void ready(NbdConnection *conn)
{
    NbdExport *info = &conn->info;
    uint32_t min = info->min_block;

    if (info->size > INT64_MAX) {
        nbd_fail(conn, EFBIG, "the export has more than 2^63 - 1 bytes");
    } else if (min == 0 || (min & (min - 1)) || min > 65536 || info->max_block < min || info->size % min) {
        nbd_fail(conn, EPROTO, "the server names impossible sizes of blocks (%u to %u bytes)", min, info->max_block);
    } else {
        info->max_block = MIN(info->max_block, NBD_MAX_FRAGMENT) / min * min;
        nbd_client_ready(conn);
    }
}

static unsigned option_reply(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    uint32_t option, type, length;
    const uint8_t *data = bytes + 20;

    if (n < 20) {
        return 0;
    }
    option = (uint32_t)nbd_get(bytes + 8, 4);
    type = (uint32_t)nbd_get(bytes + 12, 4);
    length = (uint32_t)nbd_get(bytes + 16, 4);
    if (nbd_get(bytes, 8) != NBD_OPTION_REPLY_MAGIC || option != conn->option) {
        nbd_fail(conn, EPROTO, "the server has answered another option than the one that was sent");
        return 0;
    }
    if (length > NBD_MAX_TEXT || conn->replies == NBD_MAX_REPLIES) {
        nbd_fail(conn, EPROTO, "the server's answer to an option does not end");
        return 0;
    }
    if (n - 20 < length) {
        return 0;
    }
    conn->replies++;
    if (type & NBD_REP_ERROR) {
        option_failed(conn, type, data, length);
    } else if (type == NBD_REP_ACK && length == 0) {
        if (option == NBD_OPT_STARTTLS) {
            if (n > 20) {
                nbd_fail(conn, EPROTO, "the server has sent something between its consent to TLS and TLS");
                return 0;
            }
            conn->phase = NBD_SECURING;
            CALL_USER(conn->client->options.transport->secure, conn->client->options.opaque, conn->number);
        } else if (option == NBD_OPT_STRUCTURED_REPLY) {
            conn->info.structured = true;
            ask_for_context(conn);
        } else if (option == NBD_OPT_SET_META_CONTEXT) {
            ask_for_export(conn, NBD_OPT_GO);
        } else if (conn->has_info) {
            ready(conn);
        } else {
            nbd_fail(conn, EPROTO, "the server has not told the size of the export");
        }
    } else if (type == NBD_REP_INFO && option == NBD_OPT_GO) {
        take_info(conn, data, length);
    } else if (type == NBD_REP_META_CONTEXT && option == NBD_OPT_SET_META_CONTEXT) {
        take_context(conn, data, length);
    } else {
        nbd_fail(conn, EPROTO, "the server has answered an option by %#x", type);
    }
    return conn->phase == NBD_IDLE ? 0 : 20 + length;
}

/* The answer to NBD_OPT_EXPORT_NAME. */
static unsigned named(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    unsigned length = conn->zeroes ? 134 : 10;

    if (n < length) {
        return 0;
    }
    conn->info.size = nbd_get(bytes, 8);
    conn->info.flags = (uint16_t)nbd_get(bytes + 8, 2);
    ready(conn);
    return conn->phase == NBD_IDLE ? 0 : length;
}

unsigned nbd_handshake_take(NbdConnection *conn, const uint8_t *bytes, unsigned n)
{
    switch (conn->phase) {
    case NBD_GREETING:
        return greeting(conn, bytes, n);
    case NBD_HAGGLING:
        return option_reply(conn, bytes, n);
    case NBD_NAMED:
        return named(conn, bytes, n);
    default:
        if (n) {
            nbd_fail(conn, EPROTO, "the server has sent something before it was asked");
        }
        return 0;
    }
}

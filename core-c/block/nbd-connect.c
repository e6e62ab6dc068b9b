/* SPDX-License-Identifier: MIT */
/* The NBD client: its connections, and what happens when they are lost. */
#include "block/nbd.h"
#include "loop/loop.h"
#include "port/calls.h"

/* Pauses between attempts to connect. */
#define FIRST_PAUSE (50 * SCALE_MS)
#define LONGEST_PAUSE (2 * NANOSECONDS_PER_SECOND)
/* Attempts for a further connection, while there is one. */
enum { MAX_FAILURES = 5 };
/* A connection is lost after so many silent ticks, the first of which may be shorter. */
enum { SILENT_TICKS = 3 };

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static const NbdTransport *transport_of(NbdClient *client)
{
    return client->options.transport;
}

/* ---- Connections ---- */

void nbd_connect(NbdConnection *conn)
{
    NbdClient *client = conn->client;

    conn->phase = NBD_CONNECTING;
    conn->full = false;
    conn->head = conn->tail = conn->out_head = conn->out_tail = 0;
    conn->sent = 0;
    conn->body = conn->status = NULL;
    conn->has_info = false;
    conn->silent = 0;
    conn->info = (NbdExport){ .min_block = 1, .preferred_block = 4096, .max_block = NBD_MAX_FRAGMENT };
    nbd_client_watch(client);
    CALL_USER(transport_of(client)->connect, client->options.opaque, conn->number);
}

static bool any_ready(NbdClient *client)
{
    for (unsigned i = 0; i < client->connections; i++) {
        if (client->connection[i].phase == NBD_READY) {
            return true;
        }
    }
    return false;
}

void nbd_client_give_up(NbdClient *client)
{
    NbdOp *op;

    client->given_up = true;
    timer_del(&client->retry);
    while ((op = QTAILQ_FIRST(&client->waiting))) {
        QTAILQ_REMOVE(&client->waiting, op, next);
        nbd_op_end(client->queue, op, -client->error);
    }
}

/* All connections are lost. Tries again in client->pause, unless the time is over. */
static void try_again(NbdClient *client)
{
    int64_t now = now_ns();

    if (now >= client->deadline) {
        nbd_client_give_up(client);
        return;
    }
    timer_mod_ns(&client->retry, MIN(now + client->pause, client->deadline));
    client->pause = MIN(MAX(2 * client->pause, FIRST_PAUSE), LONGEST_PAUSE);
}

void nbd_take_back(NbdConnection *conn, NbdOps *ops)
{
    NbdClient *client = conn->client;
    NbdOp *op;

    while ((op = QTAILQ_LAST(ops))) {
        nbd_op_leave(op);
        if (op->begun && ++op->tries >= NBD_MAX_TRIES) {
            nbd_op_end(client->queue, op, -client->error);
        } else {
            op->state = NBD_OP_WAITING;
            QTAILQ_INSERT_HEAD(&client->waiting, op, next);
        }
    }
}

void nbd_lost(NbdConnection *conn, int errnum)
{
    NbdClient *client = conn->client;
    bool was_ready = conn->phase == NBD_READY;

    conn->phase = NBD_IDLE;
    conn->body = conn->status = NULL;
    conn->head = conn->tail = 0;
    conn->failures = was_ready ? 0 : conn->failures + 1;
    client->error = client->why_error = errnum;
    nbd_take_back(conn, &conn->sending);
    nbd_take_back(conn, &conn->waiting_for_reply);
    if (!client->is_open) {
        client->refused = true;
    } else if (any_ready(client)) {
        if (conn->failures < MAX_FAILURES) {
            timer_mod_anticipate_ns(&client->retry, now_ns() + (was_ready ? 0 : LONGEST_PAUSE));
        }
    } else if (!client->down) {
        client->down = true;
        client->given_up = false;
        client->pause = 0;
        client->deadline = now_ns() + client->options.reconnect_delay_ms * SCALE_MS;
        try_again(client);
    } else if (conn->number == 0 && !client->given_up) {
        try_again(client);
    }
}

void nbd_fail(NbdConnection *conn, int errnum, const char *fmt, ...)
{
    NbdClient *client = conn->client;
    va_list args;

    if (conn->phase == NBD_IDLE) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(client->why, sizeof(client->why), fmt, args);
    va_end(args);
    CALL_USER(transport_of(client)->close, client->options.opaque, conn->number);
    nbd_lost(conn, errnum);
}

/* Whether a further connection leads to the same export. */
static bool is_same(const NbdExport *a, const NbdExport *b)
{
    return a->size == b->size && a->flags == b->flags && a->min_block == b->min_block && a->max_block == b->max_block &&
           a->block_status == b->block_status;
}

void nbd_client_ready(NbdConnection *conn)
{
    NbdClient *client = conn->client;

    if (!client->is_open) {
        client->info = conn->info;
        client->is_open = true;
    } else if (!is_same(&client->info, &conn->info)) {
        nbd_fail(conn, ESTALE, "the export has changed since it was opened (its size is %" PRIu64 " bytes now, and was %" PRIu64
                 "): open it again", conn->info.size, client->info.size);
        return;
    }
    conn->phase = NBD_READY;
    conn->failures = 0;
    conn->progress++;
    client->down = client->given_up = false;
    timer_del(&client->retry);
    if (client->info.flags & NBD_FLAG_CAN_MULTI_CONN && client->connections > 1) {
        timer_mod_ns(&client->retry, now_ns());        /* the further ones */
    }
}

void nbd_client_retry(void *opaque)
{
    NbdClient *client = opaque;

    if (client->down) {
        NbdConnection *first = &client->connection[0];

        if (now_ns() >= client->deadline) {
            if (first->phase != NBD_IDLE) {
                nbd_fail(first, ETIMEDOUT, "the server has not answered in time");
            }
            nbd_client_give_up(client);
        } else {
            /* An attempt does not last longer than the requests wait. */
            timer_mod_ns(&client->retry, client->deadline);
            if (first->phase == NBD_IDLE) {
                nbd_connect(first);
            }
        }
        nbd_client_settle(client);
        return;
    }
    for (unsigned i = 0; i < client->connections; i++) {
        NbdConnection *conn = &client->connection[i];

        if (conn->phase == NBD_IDLE && conn->failures < MAX_FAILURES) {
            nbd_connect(conn);
        }
    }
}

void nbd_client_wake(NbdClient *client)
{
    if (client->given_up) {
        client->given_up = false;
        client->pause = 0;
        client->deadline = now_ns() + client->options.reconnect_delay_ms * SCALE_MS;
        /* At least one attempt, even if they do not wait for a second. */
        if (client->options.reconnect_delay_ms) {
            timer_mod_ns(&client->retry, client->deadline);
        }
        if (client->connection[0].phase == NBD_IDLE) {
            nbd_connect(&client->connection[0]);
        }
    }
}

/* ---- Silence ---- */

static int64_t tick_of(NbdClient *client)
{
    return client->options.request_timeout_ms * SCALE_MS / (SILENT_TICKS - 1);
}

void nbd_client_watch(NbdClient *client)
{
    if (!client->watched) {
        client->watched = true;
        timer_mod_ns(&client->watch, now_ns() + tick_of(client));
    }
}

void nbd_client_check(void *opaque)
{
    NbdClient *client = opaque;

    client->watched = false;
    for (unsigned i = 0; i < client->connections; i++) {
        NbdConnection *conn = &client->connection[i];

        if (conn->phase == NBD_IDLE || (conn->phase == NBD_READY && !conn->in_flight)) {
            conn->silent = 0;
            continue;
        }
        conn->silent = conn->progress == conn->seen ? conn->silent + 1 : 1;
        conn->seen = conn->progress;
        if (conn->silent < SILENT_TICKS) {
            nbd_client_watch(client);
        } else {
            nbd_fail(conn, ETIMEDOUT, "the server has been silent for %" PRId64 " ms", client->options.request_timeout_ms);
        }
    }
    nbd_client_settle(client);
}

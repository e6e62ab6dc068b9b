/* SPDX-License-Identifier: MIT */
/* The NBD client: its connections, and what happens when they are lost. */
#include "block/nbd.h"
#include "loop/loop.h"
#include "port/calls.h"
#include "qapi/error.h"

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

static void connect_now(NbdConnection *conn)
{
    NbdClient *client = conn->client;

    conn->phase = NBD_CONNECTING;
    conn->full = false;
    conn->head = conn->tail = conn->out_head = conn->out_tail = 0;
    conn->sent = 0;
    conn->body = NULL;
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

/* Ends all requests that wait for a connection. */
static void give_up(NbdClient *client)
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
        give_up(client);
        return;
    }
    timer_mod_ns(&client->retry, MIN(now + client->pause, client->deadline));
    client->pause = MIN(MAX(2 * client->pause, FIRST_PAUSE), LONGEST_PAUSE);
}

/* The requests of a connection wait for another one, those that were sent first first. */
static void take_back(NbdConnection *conn, NbdOps *ops)
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

/* A connection has ended. */
static void lost(NbdConnection *conn, int errnum)
{
    NbdClient *client = conn->client;
    bool was_ready = conn->phase == NBD_READY;

    conn->phase = NBD_IDLE;
    conn->body = NULL;
    conn->head = conn->tail = 0;
    conn->failures = was_ready ? 0 : conn->failures + 1;
    client->error = errnum;
    take_back(conn, &conn->sending);
    take_back(conn, &conn->waiting_for_reply);
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
    lost(conn, errnum);
}

/* Whether a further connection leads to the same export. */
static bool is_same(const NbdExport *a, const NbdExport *b)
{
    return a->size == b->size && a->flags == b->flags && a->min_block == b->min_block && a->max_block == b->max_block;
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

static void retry(void *opaque)
{
    NbdClient *client = opaque;

    if (client->down) {
        NbdConnection *first = &client->connection[0];

        if (now_ns() >= client->deadline) {
            if (first->phase != NBD_IDLE) {
                nbd_fail(first, ETIMEDOUT, "the server has not answered in time");
            }
            give_up(client);
        } else {
            /* An attempt does not last longer than the requests wait. */
            timer_mod_ns(&client->retry, client->deadline);
            if (first->phase == NBD_IDLE) {
                connect_now(first);
            }
        }
        nbd_client_settle(client);
        return;
    }
    for (unsigned i = 0; i < client->connections; i++) {
        NbdConnection *conn = &client->connection[i];

        if (conn->phase == NBD_IDLE && conn->failures < MAX_FAILURES) {
            connect_now(conn);
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
            connect_now(&client->connection[0]);
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

static void watch(void *opaque)
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

/* ---- What the transport tells ---- */

NbdClient *nbd_client_get(NbdQueue *queue, int number)
{
    NbdClient *client = queue && number >= 0 ? queue->clients[number % NBD_MAX_CLIENTS] : NULL;

    return client && client->number == number ? client : NULL;
}

static NbdConnection *connection_of(AioContext *ctx, int number, unsigned connection)
{
    NbdClient *client = nbd_client_get(nbd_queue_of(ctx), number);

    return client && connection < client->connections && client->connection[connection].phase != NBD_IDLE
               ? &client->connection[connection] : NULL;
}

void nbd_client_settle(NbdClient *client)
{
    NbdOpened *opened;

    if (!client) {
        return;
    }
    nbd_client_run(client);
    opened = client->opened;
    if (opened && (client->is_open || client->refused)) {
        client->opened = NULL;
        CALL_USER(opened, client->options.opaque, client->is_open ? 0 : -client->error, client->is_open ? "" : client->why);
    }
}

void nbd_client_connected(AioContext *ctx, int client, unsigned connection)
{
    NbdConnection *conn = connection_of(ctx, client, connection);

    if (!conn) {
        return;
    }
    if (conn->phase == NBD_CONNECTING) {
        conn->phase = NBD_GREETING;
    } else if (conn->phase == NBD_SECURING) {
        nbd_handshake_secured(conn);
    }
    nbd_client_settle(conn->client);
}

void nbd_client_writable(AioContext *ctx, int client, unsigned connection)
{
    NbdConnection *conn = connection_of(ctx, client, connection);

    if (conn) {
        conn->full = false;
        nbd_client_settle(conn->client);
    }
}

void nbd_client_lost(AioContext *ctx, int client, unsigned connection, int errnum, const char *why)
{
    NbdConnection *conn = connection_of(ctx, client, connection);

    if (conn) {
        snprintf(conn->client->why, sizeof(conn->client->why), "%s", why);
        lost(conn, errnum);
        nbd_client_settle(conn->client);
    }
}

/* ---- Life ---- */

static int free_number(NbdQueue *queue)
{
    for (int i = 0; i < NBD_MAX_CLIENTS; i++) {
        if (!queue->clients[i]) {
            return (int)(queue->generation++ % (INT_MAX / NBD_MAX_CLIENTS)) * NBD_MAX_CLIENTS + i;
        }
    }
    return -EMFILE;
}

int nbd_client_new(AioContext *ctx, const NbdClientOptions *options, NbdOpened *opened)
{
    AIO_CHECK_CONTEXT(ctx);
    unsigned connections = MAX(options->connections, 1u);
    NbdClient *client;
    int number;

    if (connections > NBD_MAX_CONNECTIONS || strlen(options->export_name) > NBD_MAX_NAME ||
        (options->tls && !options->transport->secure) || options->reconnect_delay_ms < 0 || options->request_timeout_ms < 0 ||
        options->reconnect_delay_ms > INT32_MAX || options->request_timeout_ms > INT32_MAX) {
        return -EINVAL;
    }
    if (!raw_aio_setup(ctx, AIO_ENGINE_NBD, NULL)) {
        return -ENOMEM;
    }
    number = free_number(nbd_queue_of(ctx));
    if (number < 0) {
        return number;
    }
    client = calloc(1, sizeof(*client) + connections * sizeof(NbdConnection));
    if (!client || !(client->name = strdup(options->export_name))) {
        free(client);
        return -ENOMEM;
    }
    client->queue = nbd_queue_of(ctx);
    client->number = number;
    client->options = *options;
    if (client->options.request_timeout_ms == 0) {
        client->options.request_timeout_ms = 30000;
    }
    client->opened = opened;
    client->connections = connections;
    QTAILQ_INIT(&client->waiting);
    aio_timer_init(ctx, &client->retry, QEMU_CLOCK_REALTIME, SCALE_NS, retry, client);
    aio_timer_init(ctx, &client->watch, QEMU_CLOCK_REALTIME, SCALE_NS, watch, client);
    for (unsigned i = 0; i < connections; i++) {
        NbdConnection *conn = &client->connection[i];

        conn->client = client;
        conn->number = i;
        QTAILQ_INIT(&conn->sending);
        QTAILQ_INIT(&conn->waiting_for_reply);
    }
    client->queue->clients[number % NBD_MAX_CLIENTS] = client;
    connect_now(&client->connection[0]);
    return number;
}

/* Tells the server that no more requests come, as far as it takes that at once. */
static void say_good_bye(NbdConnection *conn)
{
    uint8_t *at = conn->out;

    if (conn->phase == NBD_READY && !conn->sent && conn->out_tail == 0 && !conn->full) {
        at = nbd_put(at, NBD_REQUEST_MAGIC, 4);
        at = nbd_put(at, NBD_CMD_DISC, 4);
        nbd_put(nbd_put(nbd_put(at, 0, 8), 0, 8), 0, 4);
        conn->out_tail = NBD_REQUEST_BYTES;
        nbd_send(conn);
    }
}

void nbd_client_delete(NbdClient *client, bool gone)
{
    client->options.reconnect_delay_ms = 0;
    for (unsigned i = 0; i < client->connections && !gone; i++) {
        NbdConnection *conn = &client->connection[i];

        take_back(conn, &conn->sending);
        say_good_bye(conn);
        take_back(conn, &conn->waiting_for_reply);
        if (conn->phase != NBD_IDLE) {
            conn->phase = NBD_IDLE;
            CALL_USER(transport_of(client)->close, client->options.opaque, conn->number);
        }
    }
    if (!gone) {
        client->error = ECANCELED;
        give_up(client);
        timer_del(&client->watch);
    }
    client->queue->clients[client->number % NBD_MAX_CLIENTS] = NULL;
    free(client->name);
    free(client);
}

void nbd_client_free(AioContext *ctx, int number)
{
    AIO_CHECK_CONTEXT(ctx);
    NbdClient *client = nbd_client_get(nbd_queue_of(ctx), number);

    if (!client) {
        port_panic("nbd_client_free: there is no NBD client %d", number);
    }
    nbd_client_delete(client, false);
}

const NbdExport *nbd_client_export(AioContext *ctx, int number)
{
    NbdClient *client = nbd_client_get(nbd_queue_of(ctx), number);

    return client ? &client->info : NULL;
}

const char *nbd_client_why(AioContext *ctx, int number, int ret)
{
    NbdClient *client = nbd_client_get(nbd_queue_of(ctx), number);

    return client && ret == -client->error ? client->why : "";
}

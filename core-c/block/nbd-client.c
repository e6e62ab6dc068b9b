/* SPDX-License-Identifier: MIT */
/* The NBD client: making and freeing it, and what the transport tells. */
#include "block/nbd.h"
#include "loop/loop.h"
#include "port/calls.h"
#include "qapi/error.h"

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
        nbd_lost(conn, errnum);
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
    aio_timer_init(ctx, &client->retry, QEMU_CLOCK_REALTIME, SCALE_NS, nbd_client_retry, client);
    aio_timer_init(ctx, &client->watch, QEMU_CLOCK_REALTIME, SCALE_NS, nbd_client_check, client);
    for (unsigned i = 0; i < connections; i++) {
        NbdConnection *conn = &client->connection[i];

        conn->client = client;
        conn->number = i;
        QTAILQ_INIT(&conn->sending);
        QTAILQ_INIT(&conn->waiting_for_reply);
    }
    client->queue->clients[number % NBD_MAX_CLIENTS] = client;
    nbd_connect(&client->connection[0]);
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

        nbd_take_back(conn, &conn->sending);
        say_good_bye(conn);
        nbd_take_back(conn, &conn->waiting_for_reply);
        if (conn->phase != NBD_IDLE) {
            conn->phase = NBD_IDLE;
            CALL_USER(client->options.transport->close, client->options.opaque, conn->number);
        }
    }
    if (!gone) {
        client->error = ECANCELED;
        nbd_client_give_up(client);
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

    return client && ret == -client->why_error ? client->why : "";
}

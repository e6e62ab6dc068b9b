/* SPDX-License-Identifier: MIT */
/* The queues of the block engines: the loop's side. */
#include "port/calls.h"
#include "port/counter.h"
#include "queue.h"

/* Puts a new queue into its server's table, which has no gaps, and returns its
 * index. */
static int join_server(PortQueue *queue, WasmServer *server)
{
    queue->server = server;
    for (int i = 0; i < SERVER_MAX_QUEUES; i++) {
        if (qatomic_cmpxchg(&server->queues[i], NULL, queue) == NULL) {
            return 0;
        }
    }
    return -EAGAIN;
}

/* Reuses a queue that was freed: the server of all files may always be looking at
 * it, so it stays in the table. */
static PortQueue *reuse(WasmServer *server, unsigned entries)
{
    for (int i = 0; i < SERVER_MAX_QUEUES; i++) {
        PortQueue *queue = qatomic_mb_read(&server->queues[i]);

        if (!queue) {
            break;
        }
        if (queue->mask == entries - 1 &&
            qatomic_cmpxchg(&queue->refs, 1, 2) == 1) {
            return queue;
        }
    }
    return NULL;
}

PortQueue *port_queue_new(PortQueueKind kind, unsigned entries, int event_fd,
                          int *error)
{
    size_t size = sizeof(PortQueue) + entries * sizeof(PortIo *);
    bool owned = qatomic_read(&wasm_files_are_owned);
    PortQueue *queue = owned ? reuse(&wasm_host_server, entries) : NULL;
    WasmServer *server;

    (void)kind;                /* both kinds are the same ring here */
    if (queue) {
        queue->event_fd = event_fd;
        return queue;
    }
    queue = aligned_alloc(64, ROUND_UP(size, 64));
    if (!queue) {
        *error = -ENOMEM;
        return NULL;
    }
    __builtin_memset(queue, 0, size);
    queue->mask = entries - 1;
    queue->event_fd = event_fd;
    queue->refs = 2;
    queue->tail = queue->reaped = queue->done = queue->announced = AIO_COUNTER_START;
    if (owned) {
        *error = join_server(queue, &wasm_host_server);
        if (*error < 0) {
            free(queue);
            return NULL;
        }
        return queue;
    }
    server = calloc(1, sizeof(*server));
    if (!server) {
        free(queue);
        *error = -ENOMEM;
        return NULL;
    }
    server->doorbell = AIO_COUNTER_START;
    join_server(queue, server);
    *error = port_thread_start("host I/O", wasm_server_main, queue, NULL);
    if (*error < 0) {
        free(server);
        free(queue);
        return NULL;
    }
    return queue;
}

void wasm_queue_unref(PortQueue *queue)
{
    if (qatomic_fetch_dec(&queue->refs) == 1) {
        free(queue->server);   /* its own server; the shared one keeps its
                                * reference */
        free(queue);
    }
}

void wasm_queue_retire(PortQueue *queue)
{
    void (*ended)(void *opaque) = queue->ended;
    void *opaque = queue->ended_opaque;

    queue->reaped = queue->done;       /* ready for the next loop that uses the
                                        * ring */
    wasm_queue_unref(queue);
    CALL_OWN(ended, opaque);
}

void port_queue_abandon(PortQueue *queue, void (*ended)(void *opaque),
                        void *opaque)
{
    WasmServer *server = queue->server;

    queue->ended = ended;
    queue->ended_opaque = opaque;
    /* Pairs with give_up and with the server: one of the two sees both. */
    qatomic_mb_set(&queue->abandoned, 1);
    if (qatomic_mb_read(&server->lost) && qatomic_xchg(&queue->abandoned, 0)) {
        wasm_queue_end_all(queue);
        wasm_queue_retire(queue);
        return;
    }
    if (server != &wasm_host_server) {
        qatomic_mb_set(&server->stop, 1);
    }
    wasm_server_ring(server);
}

void port_queue_free(PortQueue *queue)
{
    WasmServer *server = queue->server;

    /* The event's fd is closed next, and the next user of its number must not be
     * woken. */
    for (unsigned turn = 0;
         qatomic_mb_read(&queue->announced) != qatomic_mb_read(&queue->done) &&
         !qatomic_mb_read(&server->lost); turn++) {
        port_spin(turn);
    }
    if (server != &wasm_host_server) {
        qatomic_mb_set(&server->stop, 1);
        wasm_server_ring(server);
    }
    wasm_queue_unref(queue);
}

int port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    uint32_t tail = queue->tail;

    if (qatomic_mb_read(&queue->server->lost)) {
        return -ECANCELED;
    }
    for (unsigned i = 0; i < n; i++) {
        queue->ring[(tail + i) & queue->mask] = ios[i];
    }
    /* Pairs with serve_queue and wasm_server_wait. */
    qatomic_mb_set(&queue->tail, tail + n);
    if (qatomic_mb_read(&queue->server->sleeping)) {
        queue->kicks++;
        wasm_server_ring(queue->server);
    }
    return (int)n;
}

unsigned port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    uint32_t done;
    unsigned count = 0;

    /* The server of all files may be replaced, so for that one the owner does
     * it. */
    if (queue->server != &wasm_host_server &&
        qatomic_mb_read(&queue->server->lost)) {
        wasm_queue_end_all(queue);
    }
    done = qatomic_mb_read(&queue->done);
    while (queue->reaped != done && count < n) {
        ios[count++] = queue->ring[queue->reaped++ & queue->mask];
    }
    return count;
}

bool port_queue_ready(PortQueue *queue)
{
    return qatomic_mb_read(&queue->done) != queue->reaped;
}

bool port_queue_cancel(PortQueue *queue, PortIo *io)
{
    (void)queue;
    return qatomic_cmpxchg(&io->state, IO_QUEUED, IO_CANCELED) == IO_QUEUED;
}

uint64_t port_queue_kicks(PortQueue *queue)
{
    return queue->kicks;
}

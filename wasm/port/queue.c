/* SPDX-License-Identifier: MIT */
/*
 * The queues of the block engines: a ring in shared memory with one producer, the
 * loop, and one consumer, a host-I/O thread. Requests end in the order in which
 * they were handed over, so one array is both submission and completion ring:
 *
 *     reaped <= done <= tail
 *
 * The loop moves tail and reaped, the server moves done. A kick is needed only
 * when the server sleeps: each side stores its own word and then reads the
 * other's (tail, sleeping), so one of them sees the other.
 */
#include "port/server.h"
#include "qemu/atomic.h"
#include "wasm-port.h"

enum { IO_QUEUED, IO_TAKEN, IO_CANCELED };

/* How long a server looks for more before it sleeps, at most. */
#define MAX_SPIN_NS 50000
#define FIRST_SPIN_NS 4000

struct PortQueue {
    /* The loop's. */
    uint32_t tail;
    uint32_t reaped;
    uint32_t mask;
    int event_fd;
    uint64_t kicks;
    uint32_t abandoned;        /* its loop is lost: the server gives all back */
    WasmServer *server;
    uint32_t refs;             /* the loop's and the server's */
    /* The server's, in a cache line of its own. */
    uint32_t done __attribute__((aligned(64)));
    uint32_t announced;        /* the event was set for so many */
    PortIo *ring[] __attribute__((aligned(64)));
};

WasmServer wasm_host_server;
uint32_t wasm_files_are_owned;
uint32_t wasm_files_generation;

/* ---- The server's side ---- */

static bool has_work(PortQueue *queue)
{
    return qatomic_mb_read(&queue->tail) != queue->done;
}

static void serve_queue(PortQueue *queue)
{
    uint32_t done = queue->done;
    uint32_t tail = qatomic_mb_read(&queue->tail);

    while (done != tail) {
        PortIo *io = queue->ring[done & queue->mask];

        io->result = qatomic_cmpxchg(&io->state, IO_QUEUED, IO_TAKEN) ==
                             IO_QUEUED
                         ? port_io_run(io)
                         : -ECANCELED;
        /* Pairs with port_queue_reap: the result is before it. From here on
         * the request is the loop's again. */
        qatomic_mb_set(&queue->done, ++done);
        port_event_set(queue->event_fd);
        qatomic_mb_set(&queue->announced, done);
    }
}

static void unref(PortQueue *queue)
{
    if (qatomic_fetch_dec(&queue->refs) == 1) {
        free(queue->server);   /* its own: the other keeps its reference */
        free(queue);
    }
}

/* In the place of a loop that is lost. */
static void retire(PortQueue *queue)
{
    port_event_close(queue->event_fd);
    qatomic_mb_set(&queue->abandoned, 0);
    unref(queue);
}

bool wasm_server_serve(WasmServer *server)
{
    bool served = false;

    for (int i = 0; i < SERVER_MAX_QUEUES; i++) {
        PortQueue *queue = qatomic_mb_read(&server->queues[i]);

        if (!queue) {
            break;
        }
        if (has_work(queue)) {
            served = true;
            serve_queue(queue);
        } else if (unlikely(qatomic_mb_read(&queue->abandoned))) {
            retire(queue);
        }
    }
    return served;
}

static bool server_has_work(WasmServer *server)
{
    for (int i = 0; i < SERVER_MAX_QUEUES; i++) {
        PortQueue *queue = qatomic_mb_read(&server->queues[i]);

        if (!queue) {
            break;
        }
        if (has_work(queue)) {
            return true;
        }
    }
    return false;
}

/* Looks for a while, as long as has paid lately: core-c/loop/polling.c does the
 * same for a loop. */
void wasm_server_wait(WasmServer *server, uint32_t seen)
{
    int64_t start = port_clock_ns(PORT_CLOCK_MONOTONIC), waited = 0;

    while (waited < server->spin_ns) {
        for (int i = 0; i < 16; i++) {
            if (server_has_work(server) ||
                qatomic_mb_read(&server->doorbell) != seen) {
                return;
            }
            port_pause();
        }
        waited = port_clock_ns(PORT_CLOCK_MONOTONIC) - start;
    }
    /* Pairs with port_queue_submit. */
    qatomic_mb_set(&server->sleeping, 1);
    if (!server_has_work(server)) {
        port_futex_wait(&server->doorbell, seen, -1);
    }
    qatomic_mb_set(&server->sleeping, 0);
    waited = port_clock_ns(PORT_CLOCK_MONOTONIC) - start;
    if (waited > MAX_SPIN_NS) {
        server->spin_ns = 0;
    } else {
        server->spin_ns = MIN(MAX(2 * server->spin_ns, FIRST_SPIN_NS),
                              MAX_SPIN_NS);
    }
}

/* In the place of a server that was lost: ends what it was at, and tells the loop what
 * it had not told yet. */
static void take_over(PortQueue *queue)
{
    uint32_t done = queue->done;
    PortIo *io = queue->ring[done & queue->mask];

    if (done != qatomic_mb_read(&queue->tail) &&
        qatomic_mb_read(&io->state) == IO_TAKEN) {
        io->result = -ECANCELED;
        qatomic_mb_set(&queue->done, ++done);
    }
    port_event_set(queue->event_fd);
    qatomic_mb_set(&queue->announced, done);
}

/* In its server's place, which is gone: nobody else moves done any more. */
static void end_all(PortQueue *queue)
{
    uint32_t tail = qatomic_mb_read(&queue->tail), done = queue->done;

    for (; done != tail; done++) {
        queue->ring[done & queue->mask]->result = -ECANCELED;
    }
    qatomic_mb_set(&queue->done, done);
}

/* It has no server, nor will have one. */
static void give_up(void *opaque)
{
    PortQueue *queue = opaque;

    qatomic_mb_set(&queue->server->lost, 1);
    port_event_set(queue->event_fd);
}

static void server_main(void *opaque);

static void server_lost(void *opaque)
{
    if (port_thread_start("host I/O", server_main, opaque, give_up) < 0) {
        give_up(opaque);
    }
}

/* The thread of a queue that has one of its own; also the one that replaces it. */
static void server_main(void *opaque)
{
    PortQueue *queue = opaque;
    WasmServer *server = queue->server;

    port_thread_on_lost(server_lost, queue);
    take_over(queue);
    for (;;) {
        uint32_t seen = qatomic_mb_read(&server->doorbell);

        if (wasm_server_serve(server)) {
            continue;
        }
        if (qatomic_mb_read(&server->stop)) {
            break;
        }
        wasm_server_wait(server, seen);
    }
    port_thread_on_lost(NULL, NULL);
    unref(queue);
}

void wasm_host_server_lost(void)
{
    qatomic_inc(&wasm_files_generation);
    for (int i = 0; i < SERVER_MAX_QUEUES; i++) {
        PortQueue *queue = qatomic_mb_read(&wasm_host_server.queues[i]);
        if (queue) {
            take_over(queue);
        }
    }
}

void wasm_host_server_set_lost(bool lost)
{
    qatomic_mb_set(&wasm_host_server.lost, lost);
    for (int i = 0; lost && i < SERVER_MAX_QUEUES; i++) {
        PortQueue *queue = qatomic_mb_read(&wasm_host_server.queues[i]);
        if (queue) {
            end_all(queue);
            port_event_set(queue->event_fd);
            qatomic_mb_set(&queue->announced, queue->done);
        }
    }
}

void wasm_server_ring(WasmServer *server)
{
    qatomic_inc(&server->doorbell);
    port_notify32(&server->doorbell, 1);
}

/* ---- The loop's side ---- */

/* A new queue's place in its server's table, which has no gaps. */
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

/* One that was freed: the server of all files may look at it for ever, so it
 * stays in the table and is used again. */
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

    (void)kind;                /* here both are the same ring */
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
    join_server(queue, server);
    *error = port_thread_start("host I/O", server_main, queue, NULL);
    if (*error < 0) {
        free(server);
        free(queue);
        return NULL;
    }
    return queue;
}

void port_queue_abandon(PortQueue *queue)
{
    qatomic_mb_set(&queue->abandoned, 1);
    if (queue->server != &wasm_host_server) {
        qatomic_mb_set(&queue->server->stop, 1);
    }
    wasm_server_ring(queue->server);
}

void port_queue_free(PortQueue *queue)
{
    WasmServer *server = queue->server;

    /* The event's fd goes next: whoever gets its number is not to be woken. */
    for (unsigned turn = 0;
         qatomic_mb_read(&queue->announced) != qatomic_mb_read(&queue->done) &&
         !qatomic_mb_read(&server->lost); turn++) {
        port_spin(turn);
    }
    if (server != &wasm_host_server) {
        qatomic_mb_set(&server->stop, 1);
        wasm_server_ring(server);
    }
    unref(queue);
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

    /* The server of all files may come back, so the owner does it for that one. */
    if (queue->server != &wasm_host_server &&
        qatomic_mb_read(&queue->server->lost)) {
        end_all(queue);
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

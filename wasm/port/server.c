/* SPDX-License-Identifier: MIT */
/* Host I/O threads. Each serves one queue, or, for files of the host that have an owner,
 * one serves all queues. Also what happens to a queue whose thread or loop is lost. */
#include "queue.h"

/* How long a server looks for more work before it sleeps, at most. */
#define MAX_SPIN_NS 50000
#define FIRST_SPIN_NS 4000

WasmServer wasm_host_server;
uint32_t wasm_files_are_owned;
uint32_t wasm_files_generation;

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
        /* Pairs with port_queue_reap: the result is stored before. From here on the
         * request belongs to the loop again. */
        qatomic_mb_set(&queue->done, ++done);
        port_event_set(queue->event_fd);
        qatomic_mb_set(&queue->announced, done);
    }
}

/* Called by the server, or the thread that acts for it; only one of them does it. One
 * step: others wait for the queue to be retired. */
static void retire_abandoned(PortQueue *queue)
{
    port_thread_holds(1);
    if (qatomic_xchg(&queue->abandoned, 0)) {
        wasm_queue_retire(queue);
    }
    port_thread_holds(-1);
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
            retire_abandoned(queue);
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

/* Looks for work for as long as that has paid off lately; core-c/loop/polling.c does the
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

/* Acts for a server that was lost: ends the request that it was working on, and reports
 * to the loop what it had not reported yet. */
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

void wasm_queue_end_all(PortQueue *queue)
{
    uint32_t tail = qatomic_mb_read(&queue->tail), done = queue->done;

    for (; done != tail; done++) {
        queue->ring[done & queue->mask]->result = -ECANCELED;
    }
    qatomic_mb_set(&queue->done, done);
}

/* Called when the queue has no server and never will. Pairs with port_queue_abandon. */
static void give_up(void *opaque)
{
    PortQueue *queue = opaque;

    qatomic_mb_set(&queue->server->lost, 1);
    port_event_set(queue->event_fd);
    retire_abandoned(queue);
    wasm_queue_unref(queue);
}

static void server_lost(void *opaque)
{
    if (port_thread_start("host I/O", wasm_server_main, opaque, give_up) < 0) {
        give_up(opaque);
    }
}

void wasm_server_main(void *opaque)
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
    wasm_queue_unref(queue);
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
            wasm_queue_end_all(queue);
            port_event_set(queue->event_fd);
            qatomic_mb_set(&queue->announced, queue->done);
            retire_abandoned(queue);
        }
    }
}

void wasm_server_ring(WasmServer *server)
{
    qatomic_inc(&server->doorbell);
    port_notify32(&server->doorbell, 1);
}

/* SPDX-License-Identifier: MIT */
#ifndef WASM_QUEUE_H
#define WASM_QUEUE_H
/*
 * The queues of the block engines. A queue is a ring in shared memory with one producer,
 * the loop (queue.c), and one consumer, a host I/O thread (server.c). Requests end in the
 * order of submission, so one array is both submission and completion ring:
 *
 *     reaped <= done <= tail
 *
 * The loop advances tail and reaped, the server advances done. A kick is needed only when
 * the server sleeps: each side stores its own word and then reads the other's (tail,
 * sleeping), so one of them sees the other.
 */
#include "port/server.h"
#include "qemu/atomic.h"
#include "wasm-port.h"

/* PortIo.state */
enum { IO_QUEUED, IO_TAKEN, IO_CANCELED };

struct PortQueue {
    /* Used by the loop. */
    uint32_t tail;
    uint32_t reaped;
    uint32_t mask;
    int event_fd;
    uint64_t kicks;
    uint32_t abandoned;        /* its loop is lost: ended is called when all is served */
    void (*ended)(void *opaque);
    void *ended_opaque;
    WasmServer *server;
    uint32_t refs;             /* one of the loop, one of the server */
    /* Used by the server, in a cache line of its own. */
    uint32_t done __attribute__((aligned(64)));
    uint32_t announced;        /* number of requests that the event was set for */
    PortIo *ring[] __attribute__((aligned(64)));
};

/* The function of the thread of a queue that has one of its own, and of the thread that
 * replaces it. */
void wasm_server_main(void *opaque);
/* Ends all requests instead of the server, which is gone: nobody else advances done any
 * more. */
void wasm_queue_end_all(PortQueue *queue);
/* Drops one reference. */
void wasm_queue_unref(PortQueue *queue);
/* Called when the loop is lost and nothing is left to serve. */
void wasm_queue_retire(PortQueue *queue);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef WASM_QUEUE_H
#define WASM_QUEUE_H
/*
 * The queues of the block engines: a ring in shared memory with one producer, the
 * loop (queue.c), and one consumer, a host-I/O thread (server.c). Requests end in the
 * order in which they were handed over, so one array is both submission and completion
 * ring:
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

/* PortIo.state */
enum { IO_QUEUED, IO_TAKEN, IO_CANCELED };

struct PortQueue {
    /* The loop's. */
    uint32_t tail;
    uint32_t reaped;
    uint32_t mask;
    int event_fd;
    uint64_t kicks;
    uint32_t abandoned;        /* its loop is lost: when all is served, ended is called */
    void (*ended)(void *opaque);
    void *ended_opaque;
    WasmServer *server;
    uint32_t refs;             /* the loop's and the server's */
    /* The server's, in a cache line of its own. */
    uint32_t done __attribute__((aligned(64)));
    uint32_t announced;        /* the event was set for so many */
    PortIo *ring[] __attribute__((aligned(64)));
};

/* The thread of a queue that has one of its own; also the one that replaces it. */
void wasm_server_main(void *opaque);
/* In its server's place, which is gone: nobody else moves done any more. */
void wasm_queue_end_all(PortQueue *queue);
/* One of the references is dropped. */
void wasm_queue_unref(PortQueue *queue);
/* Its loop is lost, and nothing is left to be served. */
void wasm_queue_retire(PortQueue *queue);

#endif

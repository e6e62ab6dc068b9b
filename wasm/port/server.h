/* SPDX-License-Identifier: MIT */
#ifndef WASM_SERVER_H
#define WASM_SERVER_H
/*
 * A host-I/O thread as the queues of the block engines see it. Where any thread
 * may use a file each queue has a thread of its own; where a file belongs to one
 * worker (OPFS, Deno) that worker serves all queues: wasm/runtime/host-io.c.
 */
#include "port/port-io.h"

enum { SERVER_MAX_QUEUES = 256 };

typedef struct WasmServer {
    uint32_t doorbell;         /* what it sleeps on; moves on with every kick */
    uint32_t sleeping;         /* or is about to */
    uint32_t stop;
    uint32_t lost;             /* its worker is gone: nothing will be served */
    int64_t spin_ns;           /* how long it looks before it sleeps; adaptive */
    PortQueue *queues[SERVER_MAX_QUEUES];    /* NULL: free */
} WasmServer;

/* The one that owns the files, where they have an owner. */
extern WasmServer wasm_host_server;
/* Files have one: queues that are made from now on are its. */
extern uint32_t wasm_files_are_owned;

/*
 * Moves on whenever that one is lost: the handles of files that it had opened mean
 * nothing to the next one. A handle has the generation that it is of in its upper bits.
 */
extern uint32_t wasm_files_generation;
enum { FILE_GENERATION_SHIFT = 24, FILE_GENERATIONS = 128 };
/* Owner: wasm_host_server was lost. What it was at ends with -ECANCELED, and so will
 * all else for the files that it had opened, once it has been replaced. */
void wasm_host_server_lost(void);
/* Owner: it cannot be replaced (true), so that everything handed over to it ends with
 * -ECANCELED; or it is about to be, after all. */
void wasm_host_server_set_lost(bool lost);

/* Its thread: does what has been handed over. False: there was nothing. */
bool wasm_server_serve(WasmServer *server);
/* Its thread: returns when there may be something, or the doorbell is not `seen`
 * any more. */
void wasm_server_wait(WasmServer *server, uint32_t seen);
/* Any thread: moves the doorbell on. */
void wasm_server_ring(WasmServer *server);

#endif

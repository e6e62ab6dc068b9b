/* SPDX-License-Identifier: MIT */
#ifndef WASM_SERVER_H
#define WASM_SERVER_H
/*
 * A host I/O thread, as the queues of the block engines see it. Where any thread may
 * use a file, each queue has a thread of its own. Where a file belongs to one worker
 * (OPFS, Deno), that worker serves all queues: wasm/runtime/host-io.c.
 */
#include "port/port-io.h"

enum { SERVER_MAX_QUEUES = 256 };

typedef struct WasmServer {
    uint32_t doorbell;         /* the word it sleeps on; each kick increments it */
    uint32_t sleeping;         /* or about to sleep */
    uint32_t stop;
    uint32_t lost;             /* its worker is gone and will serve nothing */
    int64_t spin_ns;           /* how long it looks for work before it sleeps */
    PortQueue *queues[SERVER_MAX_QUEUES];    /* NULL: free */
} WasmServer;

/* The server that owns the files, where files have an owner. */
extern WasmServer wasm_host_server;
/* Not 0: files have an owner, and queues that are made from now on belong to that
 * server. */
extern uint32_t wasm_files_are_owned;

/* Incremented whenever that server is lost: the handles of files that it had opened
 * mean nothing to the next one. A handle has its generation in its upper bits. */
extern uint32_t wasm_files_generation;
enum { FILE_GENERATION_SHIFT = 24, FILE_GENERATIONS = 128 };
/* Called when wasm_host_server was lost. The request that it was working on ends with
 * -ECANCELED, and so will all others for the files that it had opened, once it has been
 * replaced. Owner only. */
void wasm_host_server_lost(void);
/* Says that it cannot be replaced (true), so that all its requests end with -ECANCELED,
 * or that it is being replaced after all (false). Owner only. */
void wasm_host_server_set_lost(bool lost);

/* Does the requests that have been submitted. Returns false if there were none. The
 * server's thread only. */
bool wasm_server_serve(WasmServer *server);
/* Returns when there may be requests, or the doorbell is no longer `seen`. The server's
 * thread only. */
void wasm_server_wait(WasmServer *server, uint32_t seen);
/* Increments the doorbell and wakes the server. Any thread. */
void wasm_server_ring(WasmServer *server);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The host I/O worker. On some hosts only one worker can use a file (OPFS, Deno).
 * That worker opens and closes files in JavaScript, and in between serves here the
 * queues of all contexts.
 */
#include "port/server.h"
#include "qemu/atomic.h"
#include "runtime.h"

/* Says that files belong to that worker. Called before all other functions; owner
 * only. */
WASM_EXPORT("rt_files_are_owned")
void rt_files_are_owned(void)
{
    qatomic_mb_set(&wasm_files_are_owned, 1);
}

bool rt_host_has_owned_files(void)
{
    return qatomic_read(&wasm_files_are_owned);
}

/* Says whether there is no such worker, and can be none for now. Owner only. */
WASM_EXPORT("rt_host_io_none")
void rt_host_io_none(bool none)
{
    wasm_host_server_set_lost(none);
}

/* Called when that worker is lost. Returns what the upper bits of handles of files
 * are from now on. Owner only. */
WASM_EXPORT("rt_host_io_lost")
uint32_t rt_host_io_lost(void)
{
    wasm_host_server_lost();
    return qatomic_read(&wasm_files_generation) % FILE_GENERATIONS
           << FILE_GENERATION_SHIFT;
}

/* Called after a message was posted to the worker. Owner only. */
WASM_EXPORT("rt_host_io_ring")
void rt_host_io_ring(void)
{
    wasm_server_ring(&wasm_host_server);
}

/* Serves queues until a message that was posted waits to be received. Host I/O
 * worker only. */
WASM_EXPORT("rt_host_io_run")
void rt_host_io_run(uint32_t received)
{
    WasmThread *self = wasm_thread_self();

    for (;;) {
        /* Read before looking: a request that is added after the look increments
         * it. */
        uint32_t seen = qatomic_mb_read(&wasm_host_server.doorbell);

        if (wasm_messages_under_way(self, received)) {
            return;
        }
        if (!wasm_server_serve(&wasm_host_server)) {
            wasm_server_wait(&wasm_host_server, seen);
        }
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * The host-I/O worker: some hosts give a file to one worker alone (OPFS, Deno).
 * That worker opens and closes files in JavaScript, and in between serves the
 * queues of all contexts here.
 */
#include "port/server.h"
#include "qemu/atomic.h"
#include "runtime.h"

/* Owner, first of all: files belong to that worker. */
WASM_EXPORT("rt_files_are_owned")
void rt_files_are_owned(void)
{
    qatomic_mb_set(&wasm_files_are_owned, 1);
}

bool rt_host_has_owned_files(void)
{
    return qatomic_read(&wasm_files_are_owned);
}

/* Owner: whether there is no such worker, nor can be for now. */
WASM_EXPORT("rt_host_io_none")
void rt_host_io_none(bool none)
{
    wasm_host_server_set_lost(none);
}

/* Owner: that worker is lost. What the upper bits of its files' handles are from now
 * on. */
WASM_EXPORT("rt_host_io_lost")
uint32_t rt_host_io_lost(void)
{
    wasm_host_server_lost();
    return qatomic_read(&wasm_files_generation) % FILE_GENERATIONS
           << FILE_GENERATION_SHIFT;
}

/* Owner: a message was posted to it. */
WASM_EXPORT("rt_host_io_ring")
void rt_host_io_ring(void)
{
    wasm_server_ring(&wasm_host_server);
}

/* Its worker: serves until a message that was posted waits to be received. */
WASM_EXPORT("rt_host_io_run")
void rt_host_io_run(uint32_t received)
{
    WasmThread *self = wasm_thread_self();

    for (;;) {
        /* Read before looking: whoever adds after the look moves it on. */
        uint32_t seen = qatomic_mb_read(&wasm_host_server.doorbell);

        if (wasm_messages_under_way(self, received)) {
            return;
        }
        if (!wasm_server_serve(&wasm_host_server)) {
            wasm_server_wait(&wasm_host_server, seen);
        }
    }
}

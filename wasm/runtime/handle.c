/* SPDX-License-Identifier: MIT */
#include "handle.h"
#include <string.h>

enum { CHUNK = 128, MAX_HANDLES = 65536 };
#define GENERATION (1ull << 32)

static Handle *chunks[MAX_HANDLES / CHUNK];
static uint32_t table_lock;
/* Protected by table_lock. */
static int32_t first_free = -1;
static uint32_t open_handles;
/* The first generation, so that a handle of another runtime does not fit this one. */
static uint32_t first_generation;

/* Called before all other functions. Owner only. */
WASM_EXPORT("rt_handles_init")
void rt_handles_init(uint32_t seed)
{
    first_generation = seed;
}

WASM_EXPORT("rt_handles_open")
uint32_t rt_handles_open(void)
{
    return qatomic_read(&open_handles);
}

/* ---- Opening and closing: rare, and the time under the lock is bounded ---- */

static void lock_table(void)
{
    port_thread_holds(1);
    for (unsigned turn = 0; qatomic_xchg(&table_lock, 1); turn++) {
        port_spin(turn);
    }
}

static void unlock_table(void)
{
    qatomic_mb_set(&table_lock, 0);
    port_thread_holds(-1);
}

/* Adds CHUNK handles; returns false if the table is full. Called with table_lock
 * held. */
static bool add_chunk(Handle *chunk)
{
    for (int32_t n = 0; n < MAX_HANDLES / CHUNK; n++) {
        if (chunks[n]) {
            continue;
        }
        for (int32_t i = CHUNK - 1; i >= 0; i--) {
            chunk[i].state = (uint64_t)first_generation << 32;
            chunk[i].number = n * CHUNK + i;
            chunk[i].next_free = first_free;
            first_free = chunk[i].number;
        }
        qatomic_store_release(&chunks[n], chunk);
        return true;
    }
    return false;
}

static Handle *at(uint32_t number)
{
    Handle *chunk;

    if (number >= MAX_HANDLES ||
        !(chunk = qatomic_load_acquire(&chunks[number / CHUNK]))) {
        return NULL;
    }
    return &chunk[number % CHUNK];
}

Handle *handle_new(HandleKind kind, const char *name)
{
    Handle *handle = NULL, *spare = NULL;

    lock_table();
    if (first_free < 0) {
        /* Without the lock, because the allocation may have to wait. */
        unlock_table();
        spare = calloc(CHUNK, sizeof(*spare));
        lock_table();
        if (spare && first_free < 0 && add_chunk(spare)) {
            spare = NULL;
        }
    }
    if (first_free >= 0) {
        handle = at((uint32_t)first_free);
        first_free = handle->next_free;
        qatomic_set(&open_handles, open_handles + 1);
        handle->kind = kind;
        /* Under the lock, which no thread is terminated with: whoever gives up the handles of a
         * terminated thread finds this one. */
        handle->maker = wasm_thread_self();
        /* Pairs with rt_handles_unwatch, which then sees no fd of a handle that was
         * closed. */
        memset(&handle->notifier, 0, sizeof(handle->notifier));
        qatomic_mb_set(&handle->holders, 1);
        strncpy(handle->name, name, HANDLE_NAME - 1);
    }
    unlock_table();
    free(spare);
    return handle;
}

void handle_free(Handle *handle)
{
    lock_table();
    handle->next_free = first_free;
    first_free = handle->number;
    qatomic_set(&open_handles, open_handles - 1);
    unlock_table();
}

/* ---- Using: lock-free ---- */

WASM_EXPORT("rt_handle_generation")
uint32_t rt_handle_generation(uint32_t number)
{
    return (uint32_t)(qatomic_read(&at(number)->state) >> 32);
}

/*
 * Returns NULL if the handle is closed; otherwise it stays until leave(). Pairs with
 * rt_handle_close: either we see the next generation, or it sees that there is a user.
 */
static Handle *enter(uint32_t number, uint32_t generation)
{
    Handle *handle = at(number);

    if (!handle) {
        return NULL;
    }
    port_thread_holds(1);
    if (qatomic_fetch_add(&handle->state, 1) >> 32 != generation) {
        qatomic_fetch_sub(&handle->state, 1);
        port_thread_holds(-1);
        return NULL;
    }
    return handle;
}

static void leave(Handle *handle)
{
    qatomic_fetch_sub(&handle->state, 1);
    port_thread_holds(-1);
}

/* The same, but also returns NULL if the handle is of another kind: the number came from
 * JavaScript. */
static Handle *enter_as(HandleKind kind, uint32_t number, uint32_t generation)
{
    Handle *handle = enter(number, generation);

    if (handle && handle->kind != kind) {
        leave(handle);
        return NULL;
    }
    return handle;
}

/* Schedules the bottom half, sets the notifier, or wakes the loop. Returns false if the handle
 * is closed. */
WASM_EXPORT("rt_handle_signal")
bool rt_handle_signal(uint32_t number, uint32_t generation)
{
    Handle *handle = enter(number, generation);

    if (!handle) {
        return false;
    }
    if (handle->kind == HANDLE_BH) {
        qemu_bh_schedule(handle->bh);
    } else if (handle->kind == HANDLE_NOTIFIER) {
        event_notifier_set(&handle->notifier);
    } else if (handle->kind == HANDLE_LOOP) {
        aio_notify(handle->loop);
    }
    leave(handle);
    return true;
}

/* Makes a handle by which other threads wake ctx's loop, until ctx's thread closes it. Returns its
 * number, or -ENOMEM. Home thread only. */
WASM_EXPORT("rt_loop_handle")
int rt_loop_handle(AioContext *ctx)
{
    Handle *handle = handle_new(HANDLE_LOOP, "calls");

    if (!handle) {
        return -ENOMEM;
    }
    handle->loop = ctx;
    wasm_thread_self()->awaits = false;
    return handle->number;
}

/* Returns the thread whose loop this is, or NULL if the handle is closed. Called with table_lock
 * held. */
static WasmThread *thread_of(uint32_t number, uint32_t generation)
{
    Handle *handle = at(number);

    return handle && (uint32_t)(qatomic_read(&handle->state) >> 32) == generation ?
           handle->maker : NULL;
}

/*
 * Notes that the calling thread is going to wait for the answer of the thread of a loop, until
 * rt_await_end(). If that one waits for the caller, perhaps by way of others, this returns the
 * name of the thread that waits for the caller itself, and nothing is noted. All threads look and
 * note under one lock, so that of the waits that would be a cycle the last one is refused.
 */
WASM_EXPORT("rt_await_begin")
const char *rt_await_begin(uint32_t number, uint32_t generation)
{
    WasmThread *self = wasm_thread_self();
    WasmThread *last = NULL;

    lock_table();
    for (WasmThread *at = thread_of(number, generation); at && at != self;) {
        last = at;
        at = at->awaits ? thread_of(at->awaited_number, at->awaited_generation) : NULL;
        if (at == self) {
            unlock_table();
            return last->name;
        }
    }
    self->awaits = true;
    self->awaited_number = number;
    self->awaited_generation = generation;
    unlock_table();
    return NULL;
}

WASM_EXPORT("rt_await_end")
void rt_await_end(void)
{
    lock_table();
    wasm_thread_self()->awaits = false;
    unlock_table();
}

/* Counts a message that was posted to the thread of a loop, and wakes the loop. Returns false if the
 * handle is closed. */
WASM_EXPORT("rt_loop_posted")
bool rt_loop_posted(uint32_t number, uint32_t generation)
{
    Handle *handle = enter_as(HANDLE_LOOP, number, generation);

    if (!handle) {
        return false;
    }
    qatomic_inc(&handle->maker->posted);
    aio_notify(handle->loop);
    leave(handle);
    return true;
}

/* Clears the notifier. Returns 1 if it was set, 0 if not, -1 if the handle is closed. */
WASM_EXPORT("rt_handle_test_and_clear")
int rt_handle_test_and_clear(uint32_t number, uint32_t generation)
{
    Handle *handle = enter_as(HANDLE_NOTIFIER, number, generation);
    int ret;

    if (!handle) {
        return -1;
    }
    ret = event_notifier_test_and_clear(&handle->notifier);
    leave(handle);
    return ret;
}

/* Returns the memory, which stays until rt_handle_leave(), or NULL if the handle is
 * closed. */
WASM_EXPORT("rt_handle_enter")
void *rt_handle_enter(uint32_t number, uint32_t generation)
{
    Handle *handle = enter_as(HANDLE_MEMORY, number, generation);

    return handle ? handle->memory : NULL;
}

WASM_EXPORT("rt_handle_leave")
void rt_handle_leave(uint32_t number)
{
    leave(at(number));
}

/* ---- Watching a notifier ---- */

/* Drops a holder; after the last one the number and the fd can be reused. */
static void drop(Handle *handle)
{
    /* One step: a thread that is terminated in between would leave the number taken. */
    port_thread_holds(1);
    if (qatomic_fetch_dec(&handle->holders) > 1) {
        port_thread_holds(-1);
        return;
    }
    switch (handle->kind) {
    case HANDLE_BH:
        qemu_bh_delete(handle->bh);
        break;
    case HANDLE_NOTIFIER:
        event_notifier_cleanup(&handle->notifier);
        break;
    case HANDLE_MEMORY:
        free(handle->memory);
        break;
    case HANDLE_LOOP:
        break;
    }
    handle_free(handle);
    port_thread_holds(-1);
}

/* Calls the function id while the notifier is set. The notifier's fd is not reused
 * before rt_handle_unwatch(). Returns 0, -EBADF if the handle is closed, or -ENOMEM.
 * ctx's home thread only. */
WASM_EXPORT("rt_handle_watch")
int rt_handle_watch(AioContext *ctx, uint32_t number, uint32_t generation,
                    uint32_t id)
{
    Handle *handle = enter_as(HANDLE_NOTIFIER, number, generation);
    int ret;

    if (!handle) {
        return -EBADF;
    }
    ret = rt_watch(ctx, event_notifier_get_fd(&handle->notifier), id);
    if (ret == 0) {
        qatomic_inc(&handle->holders);
    }
    leave(handle);
    return ret;
}

WASM_EXPORT("rt_handle_unwatch")
void rt_handle_unwatch(AioContext *ctx, uint32_t number)
{
    Handle *handle = at(number);

    rt_watch(ctx, event_notifier_get_fd(&handle->notifier), 0);
    drop(handle);
}

/* Closes a handle; returns false if it is closed already. A bottom half: home thread
 * only. */
WASM_EXPORT("rt_handle_close")
bool rt_handle_close(uint32_t number, uint32_t generation)
{
    Handle *handle = at(number);
    uint64_t old, seen;

    if (!handle) {
        return false;
    }
    port_thread_holds(1);
    for (old = qatomic_read(&handle->state);; old = seen) {
        if (old >> 32 != generation) {
            port_thread_holds(-1);
            return false;
        }
        seen = qatomic_cmpxchg(&handle->state, old, old + GENERATION);
        if (seen == old) {
            break;
        }
    }
    /* The users' sections are a few instructions long, or copy some bytes. */
    for (unsigned turn = 0; (uint32_t)qatomic_mb_read(&handle->state); turn++) {
        port_spin(turn);
    }
    if (handle->kind == HANDLE_NOTIFIER) {
        /* The threads that watch it find out that it is closed. */
        event_notifier_set(&handle->notifier);
    }
    drop(handle);
    port_thread_holds(-1);
    return true;
}

void rt_handles_unwatch(AioContext *ctx)
{
    for (uint32_t number = 0; number < MAX_HANDLES; number++) {
        Handle *handle = at(number);

        if (!handle) {
            return;
        }
        if (qatomic_mb_read(&handle->holders) &&
            handle->kind == HANDLE_NOTIFIER &&
            rt_is_watched(ctx, event_notifier_get_fd(&handle->notifier))) {
            drop(handle);
        }
    }
}

/* As at the normal end of an IOThread: threads that wait for one of these hear that it
 * is closed. */
void rt_handles_abandon(const WasmThread *maker)
{
    for (uint32_t number = 0; number < MAX_HANDLES; number++) {
        Handle *handle = at(number);

        if (!handle) {
            return;
        }
        if (qatomic_read(&handle->holders) && handle->maker == maker) {
            rt_handle_close(number, rt_handle_generation(number));
        }
    }
}

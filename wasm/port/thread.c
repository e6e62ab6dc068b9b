/* SPDX-License-Identifier: MIT */
/*
 * Threads are workers, and only the owner can create one. A worker attaches to an entry of
 * wasm_threads, waits for a role, plays it, and waits again. Starting a thread then means
 * waking a worker that waits. If none does, the owner is asked for a new worker by message,
 * and the caller sleeps on the entry until it is answered.
 */
#include "port/calls.h"
#include "wasm-port.h"
#include <string.h>

WasmThread wasm_threads[WASM_MAX_THREADS];

WasmThreadLimits wasm_thread_limits = {
    .stack_size = 256 * 1024,
    .max_threads = 128,
    .reserve = 2,
};

static _Thread_local WasmThread *self_tls;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
__attribute__((noinline)) WasmThread *wasm_thread_self(void)
{
    __asm__ volatile("");
    return self_tls;
}

void wasm_thread_become(WasmThread *thread)
{
    self_tls = thread;
    wasm_holds_attach(thread);
    qatomic_mb_set(&thread->state, THREAD_ATTACHED);
}

/* ---- The end of the program ---- */

WasmThread *wasm_main_thread;

/* The number of threads that keep the program alive. Without a main() it never becomes 0. */
static uint32_t alive = 1;

void wasm_thread_runs_main(void)
{
    qatomic_mb_set(&wasm_main_thread, wasm_thread_self());
    /* From now on this thread is counted as all others are. */
    qatomic_dec(&alive);
}

bool wasm_thread_over(WasmThread *thread)
{
    if (!thread->keeps_alive) {
        return false;
    }
    thread->keeps_alive = false;
    qatomic_cmpxchg(&wasm_main_thread, thread, NULL);
    return qatomic_fetch_dec(&alive) == 1;
}

/* ---- Entries ---- */

/* Declared by the names that the linker sees: private-names.h. */
extern uint32_t wasm_tls_size(void);
extern uint32_t wasm_tls_align(void);
__asm__(".globaltype __tls_size, i32, immutable\n"
        ".globaltype __tls_align, i32, immutable\n"
        ".globl aio_priv_wasm_tls_size\n.type aio_priv_wasm_tls_size,@function\n"
        "aio_priv_wasm_tls_size:\n.functype aio_priv_wasm_tls_size () -> (i32)\n"
        "global.get __tls_size\nend_function\n"
        ".globl aio_priv_wasm_tls_align\n.type aio_priv_wasm_tls_align,@function\n"
        "aio_priv_wasm_tls_align:\n.functype aio_priv_wasm_tls_align () -> (i32)\n"
        "global.get __tls_align\nend_function\n");

/* Memory is allocated once for each entry and kept: a thread that was terminated may still
 * touch it. */
static bool get_memory(WasmThread *thread)
{
    if (!thread->stack) {
        uint32_t align = MAX(wasm_tls_align(), 16);
        thread->stack_size = wasm_thread_limits.stack_size;
        thread->stack = aligned_alloc(16, thread->stack_size);
        thread->tls = aligned_alloc(align, ROUND_UP(wasm_tls_size() + 1, align));
        if (!thread->stack || !thread->tls) {
            free(thread->stack);
            free(thread->tls);
            thread->stack = NULL;
            thread->tls = NULL;
            return false;
        }
    }
    return true;
}

WasmThread *wasm_thread_new(uint32_t role)
{
    for (uint32_t i = 1; i < wasm_thread_limits.max_threads; i++) {
        WasmThread *thread = &wasm_threads[i];
        if (qatomic_read(&thread->state) == THREAD_FREE &&
            qatomic_cmpxchg(&thread->state, THREAD_FREE, THREAD_STARTING) ==
                THREAD_FREE) {
            thread->started = 0;
            thread->lost = NULL;
            thread->gone = NULL;
            thread->begun = 0;
            thread->waiting_on = NULL;
            thread->holds = NULL;
            thread->stop = 0;
            thread->counts_in = NULL;
            thread->posted = 0;
            thread->wants_turn = TURN_NONE;
            thread->in_host_io = 0;
            thread->lost_unasked = false;
            thread->once = false;
            thread->may_wait = 1;
            thread->name[0] = '\0';
            qatomic_mb_set(&thread->role, role);
            if (!get_memory(thread)) {
                qatomic_mb_set(&thread->state, THREAD_FREE);
                return NULL;
            }
            return thread;
        }
    }
    return NULL;
}

int wasm_thread_refusal(void)
{
    for (uint32_t i = 1; i < wasm_thread_limits.max_threads; i++) {
        if (qatomic_read(&wasm_threads[i].state) == THREAD_FREE) {
            return -ENOMEM;
        }
    }
    return -EAGAIN;
}

/* Claims a worker that has nothing to do: it is parked, or still starting. */
static WasmThread *claim_idle(void)
{
    for (uint32_t i = 1; i < wasm_thread_limits.max_threads; i++) {
        WasmThread *thread = &wasm_threads[i];
        if (qatomic_read(&thread->state) != THREAD_FREE &&
            qatomic_read(&thread->role) == ROLE_NONE &&
            qatomic_cmpxchg(&thread->role, ROLE_NONE, ROLE_CLAIMED) ==
                ROLE_NONE) {
            return thread;
        }
    }
    return NULL;
}

/* Counted, because a claimed entry has its worker, and the owner, waiting for it. */
static WasmThread *assign(const char *name, uint32_t role,
                          void (*fn)(void *), void *arg,
                          void (*refused)(void *))
{
    WasmThread *thread = claim_idle();
    bool ask = false;

    if (!thread) {
        thread = wasm_thread_new(ROLE_CLAIMED);
        ask = true;
    }
    if (!thread) {
        return NULL;
    }
    thread->fn = fn;
    thread->arg = arg;
    thread->refused = refused;
    thread->begun = 0;
    strncpy(thread->name, name, sizeof(thread->name) - 1);
    thread->keeps_alive = role == ROLE_RUN;
    if (thread->keeps_alive) {
        qatomic_inc(&alive);
    }
    qatomic_mb_set(&thread->role, role);
    port_notify32(&thread->role, 1);
    if (ask) {
        host_start_worker(thread);
    }
    return thread;
}

WasmThread *wasm_thread_assign(const char *name, uint32_t role,
                               void (*fn)(void *), void *arg,
                               void (*refused)(void *))
{
    WasmThread *thread;

    port_thread_holds(1);
    thread = assign(name, role, fn, arg, refused);
    port_thread_holds(-1);
    return thread;
}

static void start_failed(void *arg)
{
    (void)arg;
    port_panic("a thread that was started did not get a worker");
}

void wasm_thread_ask_again(WasmThread *thread)
{
    /* As if the worker had just been asked for. If one has attached before, nobody waits for
     * the answer any more. */
    if (!thread->refused && qatomic_read(&thread->started)) {
        thread->refused = start_failed;
    }
    thread->holds = NULL;
    thread->stop = 0;
    thread->counts_in = NULL;
    qatomic_mb_set(&thread->started, 0);
}

int port_thread_start(const char *name, void (*fn)(void *), void *arg,
                      void (*refused)(void *arg))
{
    WasmThread *thread = wasm_thread_assign(name, ROLE_RUN, fn, arg, refused);

    if (!thread) {
        return wasm_thread_refusal();
    }
    if (refused) {
        return 0;
    }
    if (port_may_wait()) {
        while (!qatomic_mb_read(&thread->started)) {
            port_futex_wait((uint32_t *)&thread->started, 0, -1);
        }
    } else {
        /* The owner cannot wait for a worker that the owner itself has to start. It is also
         * the thread that hears of a refusal, so it either has not heard of one yet, or it
         * has. */
        thread->refused = start_failed;
    }
    return MIN(qatomic_read(&thread->started), 0);
}

void port_thread_exit(void *result)
{
    if (wasm_pthread_ends) {
        wasm_pthread_ends(result);
    }
    if (wasm_thread_over(wasm_thread_self())) {
        exit(0);
    }
    host_leave();
}

/* Does nothing: only pthreads start threads besides port_thread_start(), and they do by
 * themselves what is to be done at the end: wasm/libc/pthread-thread.c. */
void port_thread_at_end(void (*fn)(void))
{
    (void)fn;
}

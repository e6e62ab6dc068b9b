/* SPDX-License-Identifier: MIT */
/*
 * Threads are workers, and only the owner can make one. A worker attaches to an
 * entry of wasm_threads, waits for a role, plays it, and waits again: starting
 * a thread is then waking one that waits. When none does, the owner is asked
 * for a new worker by message, and the asker sleeps on the entry's answer.
 */
#include "port/calls.h"
#include "wasm-port.h"
#include <string.h>

WasmThread wasm_threads[WASM_MAX_THREADS];

/* Set once, by the owner. */
static uint32_t stack_size = 256 * 1024;
static uint32_t max_threads = 128;
static uint32_t reserve = 2;

#define IDLE_TIMEOUT_NS (10LL * 1000 * 1000 * 1000)

static _Thread_local WasmThread *self_tls;

/* A coroutine may change threads between two uses of a thread-local. */
__attribute__((noinline)) WasmThread *wasm_thread_self(void)
{
    __asm__ volatile("");
    return self_tls;
}

/* ---- Entries ---- */

/* By the names that the linker sees: private-names.h. */
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

/* Memory is got once per entry and kept: a thread that was terminated may
 * still touch it. */
static bool get_memory(WasmThread *thread)
{
    if (!thread->stack) {
        uint32_t align = MAX(wasm_tls_align(), 16);
        thread->stack = aligned_alloc(16, stack_size);
        thread->tls = aligned_alloc(align, ROUND_UP(wasm_tls_size() + 1, align));
        thread->stack_size = stack_size;
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

static WasmThread *new_entry(uint32_t role)
{
    for (uint32_t i = 1; i < max_threads; i++) {
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
    for (uint32_t i = 1; i < max_threads; i++) {
        if (qatomic_read(&wasm_threads[i].state) == THREAD_FREE) {
            return -ENOMEM;
        }
    }
    return -EAGAIN;
}

/* A worker that has nothing to do: parked, or still on its way. */
static WasmThread *claim_idle(void)
{
    for (uint32_t i = 1; i < max_threads; i++) {
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

/* Counted: a claimed entry is waited for by its worker, and by the owner. */
static WasmThread *assign(const char *name, uint32_t role,
                          void (*fn)(void *), void *arg,
                          void (*refused)(void *))
{
    WasmThread *thread = claim_idle();
    bool ask = false;

    if (!thread) {
        thread = new_entry(ROLE_CLAIMED);
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
    /* As if it had been asked for just now; if a worker has attached before, nobody waits for
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
        /* The owner cannot wait for a worker that needs the owner to start. It is
         * the one that hears of a refusal, so it has not yet, or it has. */
        thread->refused = start_failed;
    }
    return MIN(qatomic_read(&thread->started), 0);
}

void port_thread_exit(void)
{
    host_leave();
}

/* pthreads, which alone start threads beside port_thread_start, do what is to be done at
 * the end by themselves: wasm/libc/pthread-thread.c. */
void port_thread_at_end(void (*fn)(void))
{
    (void)fn;
}

/* ---- What JavaScript calls ---- */

/* The owner's own entry, and the limits. */
WASM_EXPORT("rt_threads_init")
void rt_threads_init(uint32_t stack_bytes, uint32_t limit, uint32_t keep)
{
    stack_size = ROUND_UP(stack_bytes, 16);
    max_threads = MIN(limit + 1, WASM_MAX_THREADS);
    reserve = keep;
    self_tls = &wasm_threads[0];
    wasm_holds_attach(self_tls);
    self_tls->state = THREAD_ATTACHED;
    self_tls->role = ROLE_RUN;
    strcpy(self_tls->name, "owner");
}

/* Owner: an entry for one more worker of the reserve; 0 when that is full. */
WASM_EXPORT("rt_thread_reserve")
WasmThread *rt_thread_reserve(void)
{
    uint32_t idle = 0;

    for (uint32_t i = 1; i < max_threads; i++) {
        idle += qatomic_read(&wasm_threads[i].state) != THREAD_FREE &&
                qatomic_read(&wasm_threads[i].role) == ROLE_NONE;
    }
    return idle < reserve ? new_entry(ROLE_NONE) : NULL;
}

/* Owner, after a start of which nothing came: whether the limit is reached or its stack
 * found no memory. */
WASM_EXPORT("rt_thread_refusal")
int rt_thread_refusal(void)
{
    return wasm_thread_refusal();
}

/* Owner: a worker for an IOThread or for host I/O. 0: rt_thread_refusal. */
WASM_EXPORT("rt_thread_assign")
WasmThread *rt_thread_assign(const char *name, uint32_t role, void *arg)
{
    return wasm_thread_assign(name, role, NULL, arg, NULL);
}

/* Owner: an entry for an IOThread whose worker is the user's; the caller starts
 * that. 0: rt_thread_refusal. */
WASM_EXPORT("rt_thread_assign_once")
WasmThread *rt_thread_assign_once(const char *name, uint32_t role, void *arg)
{
    WasmThread *thread = new_entry(ROLE_CLAIMED);

    if (thread) {
        thread->fn = NULL;
        thread->arg = arg;
        thread->refused = NULL;
        thread->once = true;
        strncpy(thread->name, name, sizeof(thread->name) - 1);
        qatomic_mb_set(&thread->role, role);
    }
    return thread;
}

/* The worker, after its TLS was set up; again before each new role. */
WASM_EXPORT("rt_thread_attach")
void rt_thread_attach(WasmThread *thread)
{
    self_tls = thread;
    thread->gone = NULL;
    wasm_holds_attach(thread);
    qatomic_mb_set(&thread->state, THREAD_ATTACHED);
    qatomic_mb_set(&thread->started, 1);
    port_notify32((uint32_t *)&thread->started, UINT32_MAX);
}

/* Whether its worker ever got as far as rt_thread_attach. */
WASM_EXPORT("rt_thread_attached")
bool rt_thread_attached(WasmThread *thread)
{
    return qatomic_read(&thread->started) == 1;
}

/* The worker: sleeps until it has a role, and says which. */
WASM_EXPORT("rt_thread_park")
uint32_t rt_thread_park(void)
{
    WasmThread *self = wasm_thread_self();
    uint32_t role;

    while ((role = qatomic_mb_read(&self->role)) <= ROLE_CLAIMED) {
        if (port_futex_wait(&self->role, role, IDLE_TIMEOUT_NS) == -ETIMEDOUT &&
            role == ROLE_NONE) {
            uint32_t idle = 0;
            for (uint32_t i = 1; i < max_threads; i++) {
                idle += qatomic_read(&wasm_threads[i].state) ==
                            THREAD_ATTACHED &&
                        qatomic_read(&wasm_threads[i].role) == ROLE_NONE;
            }
            if (idle > reserve) {
                qatomic_cmpxchg(&self->role, ROLE_NONE, ROLE_END);
            }
        }
    }
    return role;
}

/* The worker: plays ROLE_RUN. */
WASM_EXPORT("rt_thread_run")
void rt_thread_run(void)
{
    WasmThread *self = wasm_thread_self();

    CALL_OWN(self->fn, self->arg);
}

/* The worker, when its role is over; it then sets up TLS and attaches again. */
WASM_EXPORT("rt_thread_idle")
void rt_thread_idle(WasmThread *thread)
{
    /* It has left in the midst of it, by exit(). */
    if (thread->role == ROLE_IOTHREAD && thread->arg) {
        if (wasm_unlock_after_exit) {
            CALL_OWN(wasm_unlock_after_exit);
        }
        if (wasm_thread_holds(thread)) {
            port_panic("exit() was called in thread '%s' while it held a lock",
                       thread->name);
        }
        CALL_OWN(wasm_iothread_lost, thread, false);
        wasm_thread_reclaim(thread);
    }
    /* Not begun: if its worker is lost before it has another role, this one is not to be
     * begun anew. */
    thread->lost = NULL;
    thread->wants_turn = TURN_NONE;
    if (thread->once) {
        qatomic_mb_set(&thread->role, ROLE_END);
        return;
    }
    thread->name[0] = '\0';
    qatomic_mb_set(&thread->role, ROLE_NONE);
}

/* Accessors: JavaScript knows no layout. */
WASM_EXPORT("rt_thread_tls")
void *rt_thread_tls(WasmThread *thread)
{
    return thread->tls;
}

WASM_EXPORT("rt_thread_stack_limit")
char *rt_thread_stack_limit(WasmThread *thread)
{
    return thread->stack;
}

WASM_EXPORT("rt_thread_stack_top")
char *rt_thread_stack_top(WasmThread *thread)
{
    return thread->stack + thread->stack_size;
}

WASM_EXPORT("rt_thread_name")
const char *rt_thread_name(WasmThread *thread)
{
    return thread->name;
}

WASM_EXPORT("rt_thread_arg")
void *rt_thread_arg(WasmThread *thread)
{
    return thread->arg;
}

WASM_EXPORT("rt_thread_posted")
uint32_t *rt_thread_posted(WasmThread *thread)
{
    return &thread->posted;
}

WASM_EXPORT("rt_thread_in_host_io")
bool rt_thread_in_host_io(WasmThread *thread)
{
    return qatomic_read(&thread->in_host_io);
}

WASM_EXPORT("rt_thread_wants_turn")
uint32_t *rt_thread_wants_turn(WasmThread *thread)
{
    return &thread->wants_turn;
}

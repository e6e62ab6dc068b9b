/* SPDX-License-Identifier: MIT */
/* Threads, as TypeScript sees them: it creates the workers that wasm/port/thread.c asks
 * for. */
#include "aio/trace.h"
#include "port/calls.h"
#include "runtime.h"
#include <string.h>

/* How long a worker beyond the reserve waits for a role. */
#define IDLE_TIMEOUT_NS (10LL * 1000 * 1000 * 1000)

/* Makes the entry of the owner, and sets the limits. */
WASM_EXPORT("rt_threads_init")
void rt_threads_init(uint32_t stack_bytes, uint32_t limit, uint32_t keep)
{
    WasmThread *owner = &wasm_threads[0];

    wasm_thread_limits = (WasmThreadLimits){
        .stack_size = ROUND_UP(stack_bytes, 16),
        .max_threads = MIN(limit + 1, WASM_MAX_THREADS),
        .reserve = keep,
    };
    wasm_thread_become(owner);
    owner->role = ROLE_RUN;
    strcpy(owner->name, "owner");
    aio_trace_name_thread(owner->name);
}

/* Returns how many workers have nothing to do, of those in state `least` or a later one. */
static uint32_t count_idle(uint32_t least)
{
    uint32_t idle = 0;

    for (uint32_t i = 1; i < wasm_thread_limits.max_threads; i++) {
        idle += qatomic_read(&wasm_threads[i].state) >= least &&
                qatomic_read(&wasm_threads[i].role) == ROLE_NONE;
    }
    return idle;
}

/* Makes an entry for one more worker of the reserve; returns 0 if the reserve is full. Owner
 * only. */
WASM_EXPORT("rt_thread_reserve")
WasmThread *rt_thread_reserve(void)
{
    return count_idle(THREAD_STARTING) < wasm_thread_limits.reserve
               ? wasm_thread_new(ROLE_NONE) : NULL;
}

/* After a failed start, says whether the limit is reached or there was no memory for the
 * stack. Owner only. */
WASM_EXPORT("rt_thread_refusal")
int rt_thread_refusal(void)
{
    return wasm_thread_refusal();
}

/* Assigns a worker to an IOThread or to host I/O. Returns 0 on failure: see
 * rt_thread_refusal(). Owner only. */
WASM_EXPORT("rt_thread_assign")
WasmThread *rt_thread_assign(const char *name, uint32_t role, void *arg)
{
    return wasm_thread_assign(name, role, NULL, arg, NULL);
}

/* Makes an entry for an IOThread whose worker is the user's; the caller starts that worker.
 * Returns 0 on failure: see rt_thread_refusal(). Owner only. */
WASM_EXPORT("rt_thread_assign_once")
WasmThread *rt_thread_assign_once(const char *name, uint32_t role, void *arg)
{
    WasmThread *thread = wasm_thread_new(ROLE_CLAIMED);

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

/* Called by a worker after its thread-locals were set up, and again before each new role. */
WASM_EXPORT("rt_thread_attach")
void rt_thread_attach(WasmThread *thread)
{
    thread->gone = NULL;
    wasm_thread_become(thread);
    qatomic_mb_set(&thread->started, 1);
    port_notify32((uint32_t *)&thread->started, UINT32_MAX);
}

/* Returns true if its worker has ever called rt_thread_attach(). */
WASM_EXPORT("rt_thread_attached")
bool rt_thread_attached(WasmThread *thread)
{
    return qatomic_read(&thread->started) == 1;
}

/* Sleeps until the worker has a role, and returns it. Worker only. */
WASM_EXPORT("rt_thread_park")
uint32_t rt_thread_park(void)
{
    WasmThread *self = wasm_thread_self();
    uint32_t role;

    while ((role = qatomic_mb_read(&self->role)) <= ROLE_CLAIMED) {
        if (port_futex_wait(&self->role, role, IDLE_TIMEOUT_NS) == -ETIMEDOUT &&
            role == ROLE_NONE &&
            count_idle(THREAD_ATTACHED) > wasm_thread_limits.reserve) {
            qatomic_cmpxchg(&self->role, ROLE_NONE, ROLE_END);
        }
    }
    return role;
}

/* Plays ROLE_RUN. Worker only. */
WASM_EXPORT("rt_thread_run")
void rt_thread_run(void)
{
    WasmThread *self = wasm_thread_self();

    aio_trace_name_thread(self->name);
    CALL_OWN(self->fn, self->arg);
    if (wasm_thread_over(self)) {
        exit(0);
    }
}

/* Called by a worker when its role is over; it then sets up its thread-locals and attaches
 * again. */
WASM_EXPORT("rt_thread_idle")
void rt_thread_idle(WasmThread *thread)
{
    /* The worker has left its role early, by exit(). */
    if (thread->role == ROLE_IOTHREAD && thread->arg) {
        if (wasm_unlock_after_exit) {
            CALL_OWN(wasm_unlock_after_exit);
        }
        if (wasm_thread_holds(thread)) {
            port_panic("exit() was called in thread '%s' while it held a lock",
                       thread->name);
        }
        rt_iothread_lost(thread, false);
        rt_thread_reclaim(thread);
    }
    /* If its worker is lost before it has another role, this one must not be run again. */
    thread->lost = NULL;
    thread->wants_turn = TURN_NONE;
    if (thread->once) {
        qatomic_mb_set(&thread->role, ROLE_END);
        return;
    }
    thread->name[0] = '\0';
    qatomic_mb_set(&thread->role, ROLE_NONE);
}

/* Accessors, since JavaScript does not know the layout. */
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

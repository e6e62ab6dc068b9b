/* SPDX-License-Identifier: MIT */
/*
 * Threads that end unexpectedly, because their workers are terminated or fail.
 * Here the owner cleans up after such a thread:
 *
 * - If its count (port_thread_holds) is not 0, something that others rely on is
 *   half-done, and the runtime has failed.
 * - The notifications that it may have left out after publishing something are
 *   made now: all sleepers are woken and look again, all loops are notified, all
 *   fds that are ready are reported. So the steps from a store to its wake-up need
 *   not be counted.
 * - Its call-back (port_thread_on_lost) deals with what it was waiting for or
 *   working on.
 *
 * The owner ends a thread in two steps. First it sets the thread's stop flag: a
 * thread looks at the flag after it has raised its count from 0, and then waits to
 * be ended. Once the owner has seen a count of 0, some time after it set the flag,
 * it can terminate the worker, which is in no section and cannot enter one.
 */
#include "port/calls.h"
#include "port/fd-table.h"
#include "runtime.h"

/* Returns the number of sections that the thread is in. */
WASM_EXPORT("rt_thread_holds")
int rt_thread_holds(WasmThread *thread)
{
    return wasm_thread_holds(thread);
}

/*
 * Makes the thread wait to be ended, the next time that it raises its count from 0. Its
 * store of the count and its look at the flag are not ordered by a barrier, which would
 * make every lock more expensive. So the count has to be read some time later, when the
 * store of a thread that did not see the flag has long become visible.
 */
WASM_EXPORT("rt_thread_stop")
void rt_thread_stop(WasmThread *thread)
{
    qatomic_mb_set(&thread->stop, 1);
    if (thread->holds) {
        qatomic_mb_set(&thread->holds->stop, 1);
    }
}

/* Wakes a thread whose worker was terminated and may end only when it wakes up (Deno). */
WASM_EXPORT("rt_thread_wake")
void rt_thread_wake(WasmThread *thread)
{
    uint32_t *word = qatomic_mb_read(&thread->waiting_on);

    if (word) {
        port_notify32(word, UINT32_MAX);
    }
}

/* Withdraws an entry that has no worker any more, so that nobody can claim it. Returns its
 * role. */
static uint32_t withdraw(WasmThread *thread)
{
    uint32_t role;

    for (unsigned turn = 0;
         (role = qatomic_cmpxchg(&thread->role, ROLE_NONE, ROLE_END)) ==
         ROLE_CLAIMED; turn++) {
        port_spin(turn);
    }
    return role;
}

/* Called when its worker could not be started. If gone is true, the worker will not attach
 * later either; otherwise its place stays taken. */
WASM_EXPORT("rt_thread_refused")
void rt_thread_refused(WasmThread *thread, int error, bool gone)
{
    uint32_t role = withdraw(thread);

    wasm_thread_over(thread);
    qatomic_mb_set(&thread->started, -error);
    port_notify32((uint32_t *)&thread->started, UINT32_MAX);
    if (role == ROLE_RUN && thread->refused) {
        CALL_OWN(thread->refused, thread->arg);
    }
    if (gone) {
        qatomic_mb_set(&thread->state, THREAD_FREE);
    }
}

/* Called when its worker ended unexpectedly. Returns true if that was before it began its
 * work; another worker has to be started, which will do it. */
WASM_EXPORT("rt_thread_unserved")
bool rt_thread_unserved(WasmThread *thread)
{
    if (withdraw(thread) != ROLE_RUN || qatomic_mb_read(&thread->begun) ||
        wasm_thread_holds(thread)) {
        return false;
    }
    wasm_thread_ask_again(thread);
    return true;
}

static void wake_sleepers(void)
{
    for (uint32_t i = 0; i < WASM_MAX_THREADS; i++) {
        rt_thread_wake(&wasm_threads[i]);
    }
}

void rt_thread_reclaim(WasmThread *thread)
{
    if (thread->gone) {
        CALL_OWN(thread->gone, thread->gone_arg);
    }
    if (thread->role == ROLE_IOTHREAD) {
        rt_iothread_lost(thread, true);
    }
}

/* Called when its worker ended normally, or the end of one that was lost has been confirmed
 * after all. */
WASM_EXPORT("rt_thread_free")
void rt_thread_free(WasmThread *thread)
{
    /* After a failure, everything is freed with the memory. */
    if (thread->lost_unasked && !qatomic_read(&wasm_failed)) {
        rt_thread_reclaim(thread);
    }
    qatomic_mb_set(&thread->state, THREAD_FREE);
}

/*
 * Called when its worker ended unexpectedly, or was terminated. Returns false if that was
 * in the middle of something that others rely on; the runtime has then failed. gone: the
 * host has confirmed that it ended. Otherwise rt_thread_free() may follow; until then what
 * the worker may still touch, its stack and thread-locals, is not reused.
 */
WASM_EXPORT("rt_thread_lost")
bool rt_thread_lost(WasmThread *thread, bool gone)
{
    uint32_t *counter = thread->counts_in;

    if (wasm_thread_holds(thread)) {
        return false;
    }
    thread->lost_unasked = true;
    wasm_thread_over(thread);
    if (counter) {
        qatomic_dec(counter);
    }
    if (thread->lost) {
        CALL_OWN(thread->lost, thread->lost_arg);
    }
    if (thread->role == ROLE_IOTHREAD) {
        rt_iothread_lost(thread, false);
    }
    wake_sleepers();
    wasm_fds_look_again();
    if (gone) {
        rt_thread_free(thread);
    }
    return true;
}

/* Wakes every sleeper, after a failure or at the end. A thread that was just about to sleep
 * is missed, so this must be repeated until all have left. */
WASM_EXPORT("rt_wake_all")
void rt_wake_all(void)
{
    qatomic_mb_set(&wasm_failed, 1);
    wake_sleepers();
}

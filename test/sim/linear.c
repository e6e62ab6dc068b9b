/* SPDX-License-Identifier: MIT */
/* What threads observe of the locks, of the pool and of queues is what one thread could have observed: sim_check_linear(). */
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "port/port.h"
#include "qemu/coroutine.h"
#include "qemu/thread.h"
#include "sysemu/iothread.h"

/* ---- Semaphores ---- */

enum { POST, TRY };

/* of[0]: the count. */
static bool semaphore_model(SimState *state, int op, int64_t arg, int64_t result)
{
    (void)arg;
    if (op == POST) {
        state->of[0]++;
        return true;
    }
    if (result != 0) {
        return state->of[0] == 0;
    }
    return state->of[0]-- > 0;
}

static QemuSemaphore sem;

static void posts_and_takes(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        if (sim_choose(2)) {
            unsigned call = sim_call_begin("post", POST, 0);
            qemu_sem_post(&sem);
            sim_call_end(call, 0);
        } else {
            int ms = (int)sim_choose(2);
            unsigned call = sim_call_begin("timedwait", TRY, ms);
            sim_call_end(call, qemu_sem_timedwait(&sem, ms));
        }
    }
}

SIM_SCENARIO(sem_is_linear, "A semaphore hands out what was posted, once, and says that there is nothing only when there is nothing.")
{
    qemu_sem_init(&sem, 0);
    sim_spawn("a", posts_and_takes, NULL);
    sim_spawn("b", posts_and_takes, NULL);
    sim_spawn("c", posts_and_takes, NULL);
    sim_join();
    sim_check_linear(semaphore_model, "a semaphore");
}

/* ---- LockCnt ---- */

enum { INC, DEC, DEC_AND_LOCK, LOCK, UNLOCK, INC_AND_UNLOCK, COUNT };

/* of[0]: the count; of[1]: whether it is locked. */
static bool lockcnt_model(SimState *state, int op, int64_t arg, int64_t result)
{
    int64_t *count = &state->of[0], *locked = &state->of[1];

    (void)arg;
    switch (op) {
    case INC:
        return !(*count == 0 && *locked) && ++*count;
    case DEC:
        return (*count)-- > 0;
    case DEC_AND_LOCK:
        if (*count == 0 || (*count == 1) != result || (result && *locked)) {
            return false;
        }
        --*count;
        *locked |= result;
        return true;
    case LOCK:
        return !*locked && (*locked = 1);
    case COUNT:
        return *count == result;
    default:
        if (!*locked) {
            return false;
        }
        *locked = 0;
        *count += op == INC_AND_UNLOCK;
        return true;
    }
}

static QemuLockCnt lockcnt;

#define CALL(op, statement)                                                  \
    do {                                                                     \
        unsigned call_ = sim_call_begin(#statement, op, 0);                  \
        statement;                                                           \
        sim_call_end(call_, 0);                                              \
    } while (0)

static void unlocks(void)
{
    if (sim_choose(2)) {
        CALL(UNLOCK, qemu_lockcnt_unlock(&lockcnt));
    } else {
        CALL(INC_AND_UNLOCK, qemu_lockcnt_inc_and_unlock(&lockcnt));
        CALL(DEC, qemu_lockcnt_dec(&lockcnt));
    }
}

static void visits_or_locks(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        if (sim_choose(2)) {
            unsigned call;
            bool locked;

            CALL(INC, qemu_lockcnt_inc(&lockcnt));
            call = sim_call_begin("qemu_lockcnt_dec_and_lock", DEC_AND_LOCK, 0);
            locked = qemu_lockcnt_dec_and_lock(&lockcnt);
            sim_call_end(call, locked);
            if (locked) {
                unlocks();
            }
        } else {
            CALL(LOCK, qemu_lockcnt_lock(&lockcnt));
            unsigned call = sim_call_begin("qemu_lockcnt_count", COUNT, 0);
            sim_call_end(call, qemu_lockcnt_count(&lockcnt));
            unlocks();
        }
    }
}

SIM_SCENARIO(lockcnt_is_linear, "A LockCnt is a lock and a count, changed as one.")
{
    qemu_lockcnt_init(&lockcnt);
    sim_spawn("a", visits_or_locks, NULL);
    sim_spawn("b", visits_or_locks, NULL);
    sim_spawn("c", visits_or_locks, NULL);
    sim_join();
    sim_check_linear(lockcnt_model, "a LockCnt");
}

/* ---- Locks of coroutines ---- */

static int ended;

/* Runs fn in coroutines of two threads, and waits for all. */
static void in_two_threads(CoroutineEntry *fn, int n)
{
    IOThread *io[] = { iothread_create("a", &error_abort), iothread_create("b", &error_abort) };

    for (intptr_t i = 0; i < n; i++) {
        aio_co_schedule(iothread_get_aio_context(io[i % 2]), qemu_coroutine_create(fn, (void *)i));
    }
    while (qatomic_read(&ended) < n) {
        port_pause();
    }
    iothread_destroy(io[0]);
    iothread_destroy(io[1]);
}

/* Sometimes a coroutine is away for a while. */
static void coroutine_fn rests(void)
{
    if (sim_choose(2)) {
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 2000);
    }
}

enum { RDLOCK, RDUNLOCK, WRLOCK, WRUNLOCK };

/* of[0]: the readers; of[1]: whether there is a writer. */
static bool rwlock_model(SimState *state, int op, int64_t arg, int64_t result)
{
    int64_t *readers = &state->of[0], *writer = &state->of[1];

    (void)arg;
    (void)result;
    switch (op) {
    case RDLOCK:
        return !*writer && ++*readers;
    case RDUNLOCK:
        return (*readers)-- > 0;
    case WRLOCK:
        return !*writer && !*readers && (*writer = 1);
    default:
        return *writer && !(*writer = 0);
    }
}

static CoMutex co_mutex;

static void coroutine_fn locks_co_mutex(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        CALL(WRLOCK, qemu_co_mutex_lock(&co_mutex));
        rests();
        CALL(WRUNLOCK, qemu_co_mutex_unlock(&co_mutex));
    }
    qatomic_inc((uint32_t *)&ended);
}

SIM_SCENARIO(co_mutex_is_linear, "One coroutine at a time holds a CoMutex.")
{
    qemu_co_mutex_init(&co_mutex);
    in_two_threads(locks_co_mutex, 4);
    sim_check_linear(rwlock_model, "a CoMutex");
}

static CoRwlock rwlock;

static void coroutine_fn locks_co_rwlock(void *opaque)
{
    bool writes = sim_choose(2);

    (void)opaque;
    if (writes) {
        CALL(WRLOCK, qemu_co_rwlock_wrlock(&rwlock));
    } else {
        CALL(RDLOCK, qemu_co_rwlock_rdlock(&rwlock));
    }
    rests();
    if (sim_choose(2)) {
        /* From the one to the other. Upgrading lets others write in between; downgrading does not let them. */
        unsigned leaves = sim_call_begin(writes ? "downgrade" : "upgrade, leaves", writes ? WRUNLOCK : RDUNLOCK, 0);
        unsigned enters = sim_call_begin(writes ? "downgrade" : "upgrade, enters", writes ? RDLOCK : WRLOCK, 0);
        if (writes) {
            qemu_co_rwlock_downgrade(&rwlock);
        } else {
            qemu_co_rwlock_upgrade(&rwlock);
        }
        sim_call_end(leaves, 0);
        sim_call_end(enters, 0);
        writes = !writes;
        rests();
    }
    if (writes) {
        CALL(WRUNLOCK, qemu_co_rwlock_unlock(&rwlock));
    } else {
        CALL(RDUNLOCK, qemu_co_rwlock_unlock(&rwlock));
    }
    qatomic_inc((uint32_t *)&ended);
}

SIM_SCENARIO(co_rwlock_is_linear, "Many coroutines read under a CoRwlock, or one writes.")
{
    qemu_co_rwlock_init(&rwlock);
    in_two_threads(locks_co_rwlock, 5);
    sim_check_linear(rwlock_model, "a CoRwlock");
}

/* ---- Queues: first in, first out ---- */

enum { PUT, TAKE, CANCEL, FINISH };

/* of[0]: what is in the queue, the first in the lowest four bits, each plus 1; of[1]: what was taken; of[2]: what was finished. */
static bool queue_model(SimState *state, int op, int64_t arg, int64_t result)
{
    int64_t *queue = &state->of[0], *taken = &state->of[1], *finished = &state->of[2];
    int64_t bit = INT64_C(1) << arg;

    switch (op) {
    case PUT: {
        int at = 0;

        while (*queue >> at & 15) {
            at += 4;
        }
        *queue |= (arg + 1) << at;
        return true;
    }
    case TAKE:
        if ((*queue & 15) != arg + 1) {
            return false;
        }
        *queue >>= 4;
        *taken |= bit;
        return true;
    case CANCEL: {
        int at = 0;

        while (result && (*queue >> at & 15) != arg + 1) {
            if (!(*queue >> at & 15)) {
                return false;
            }
            at += 4;
        }
        if (result) {
            *queue = (*queue & ((INT64_C(1) << at) - 1)) | (*queue >> (at + 4)) << at;
        }
        return true;
    }
    default:
        if (*finished & bit) {
            return false;
        }
        *finished |= bit;
        return !(*taken & bit) == (result == -ECANCELED);
    }
}

static int finished;
static unsigned cancels[6];     /* the calls that cancel, plus 1 */

static int works(void *opaque)
{
    sim_call_now("begins", TAKE, (intptr_t)opaque, 0);
    sim_pass();
    return 7;
}

static void completes(void *opaque, int ret)
{
    unsigned cancel = cancels[(intptr_t)opaque];

    if (cancel) {
        sim_call_result(cancel - 1, ret == -ECANCELED);
    }
    sim_call_now("completes", FINISH, (intptr_t)opaque, ret);
    finished++;
}

SIM_SCENARIO(pool_is_linear, "A pool of one thread does its jobs in their order, those that were not cancelled, and completes each once.")
{
    BlockAIOCB *jobs[6];
    ThreadPoolAio *pool;

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 0, 1, &error_abort);
    pool = thread_pool_new_aio(ctx);
    for (intptr_t i = 0; i < 6; i++) {
        unsigned call = sim_call_begin("submit", PUT, i);

        jobs[i] = thread_pool_submit_aio(pool, works, (void *)i, completes, (void *)i);
        sim_call_end(call, 0);
        if (sim_choose(3) == 0) {
            unsigned cancel = sim_call_begin("cancel", CANCEL, i);

            cancels[i] = cancel + 1;
            bdrv_aio_cancel_async(jobs[i]);
            sim_call_end(cancel, 0);
        } else if (sim_choose(2)) {
            aio_poll(ctx, false);
        }
    }
    while (finished < 6) {
        aio_poll(ctx, true);
    }
    thread_pool_free_aio(pool);
    loop_end();
    sim_check_linear(queue_model, "a thread pool");
}

static AioContext *home;

static void coroutine_fn arrives(void *opaque)
{
    sim_call_now("runs", TAKE, (intptr_t)opaque, 0);
    qatomic_inc((uint32_t *)&ended);
    aio_notify(home);
}

static void schedules_coroutines(void *opaque)
{
    for (intptr_t i = 0; i < 3; i++) {
        intptr_t id = (intptr_t)opaque + i;
        Coroutine *co = qemu_coroutine_create(arrives, (void *)id);
        unsigned call = sim_call_begin("aio_co_schedule", PUT, id);

        aio_co_schedule(home, co);
        sim_call_end(call, 0);
    }
}

SIM_SCENARIO(co_schedule_is_linear, "Coroutines that several threads schedule are entered in that order.")
{
    loop_begin();
    home = ctx;
    sim_spawn("a", schedules_coroutines, (void *)0);
    sim_spawn("b", schedules_coroutines, (void *)3);
    while (qatomic_read(&ended) < 6) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check_linear(queue_model, "the coroutines that wait to be entered");
}

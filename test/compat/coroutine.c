/* SPDX-License-Identifier: MIT */
/* A coroutine program: coroutines, their locks, and contexts that they are
 * scheduled in, each with a thread that the program brings along. */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/coroutine_int.h"
#include "qemu/lockable.h"
#include "qemu/thread.h"

/* ---- One thread ---- */

static void coroutine_fn set_true(void *opaque)
{
    bool *done = opaque;

    *done = qemu_in_coroutine();
}

static void coroutine_fn count_to_five(void *opaque)
{
    Coroutine *self = qemu_coroutine_self();

    for (int i = 0; i < 5; i++) {
        *(int *)opaque += qemu_coroutine_entered(self);
        qemu_coroutine_yield();
    }
}

static void life(void)
{
    Coroutine *co, *other;
    bool done = false, other_done = false;
    int count = 0, entered = 0;

    other = qemu_coroutine_create(set_true, &other_done);
    co = qemu_coroutine_create(set_true, &done);
    printf("made %d", done);
    qemu_coroutine_enter(co);
    printf(", entered %d, outside %d\n", done, qemu_in_coroutine());
    if (CONFIG_COROUTINE_POOL) {
        /* It is not touched until it is used again. */
        Coroutine kept = *co, filled;

        memset(&filled, 0xff, sizeof(filled));
        memset(co, 0xff, sizeof(*co));
        qemu_coroutine_enter(other);
        printf("other %d, touched %d\n", other_done,
               memcmp(co, &filled, sizeof(filled)) != 0);
        memcpy(co, &kept, sizeof(kept));
    }
    co = qemu_coroutine_create(count_to_five, &count);
    for (; count < 5; entered++) {
        qemu_coroutine_enter(co);
        printf("%d%d ", count, qemu_coroutine_entered(co));
    }
    qemu_coroutine_enter(co);
    printf("in %d\n", entered);
}

static CoMutex mutex;
static CoRwlock rwlock;
static int owners, done;

static void coroutine_fn lock_with_mutex(void *opaque)
{
    (void)opaque;
    qemu_co_mutex_lock(&mutex);
    owners += 1;
    qemu_coroutine_yield();
    owners -= 1;
    qemu_co_mutex_unlock(&mutex);
    done++;
}

static void coroutine_fn lock_with_lockable(void *opaque)
{
    QemuLockable *x = QEMU_MAKE_LOCKABLE(&mutex);

    (void)opaque;
    qemu_lockable_lock(x);
    owners += 2;
    qemu_coroutine_yield();
    owners -= 2;
    qemu_lockable_unlock(x);
    done++;
}

static void mutual_exclusion(void)
{
    Coroutine *a = qemu_coroutine_create(lock_with_mutex, NULL);
    Coroutine *b = qemu_coroutine_create(lock_with_lockable, NULL);

    qemu_co_mutex_init(&mutex);
    qemu_coroutine_enter(a);
    qemu_coroutine_enter(b);
    printf("owner %d", owners);
    qemu_coroutine_enter(a);
    printf(", then %d", owners);
    qemu_coroutine_enter(b);
    printf(", then %d, done %d\n", owners, done);
}

static void coroutine_fn read_then_write(void *opaque)
{
    qemu_co_rwlock_rdlock(&rwlock);
    printf(" %s:read", (char *)opaque);
    qemu_coroutine_yield();
    qemu_co_rwlock_upgrade(&rwlock);
    printf(" %s:write", (char *)opaque);
    qemu_coroutine_yield();
    qemu_co_rwlock_downgrade(&rwlock);
    printf(" %s:read", (char *)opaque);
    qemu_coroutine_yield();
    qemu_co_rwlock_unlock(&rwlock);
    printf(" %s:end", (char *)opaque);
}

static void coroutine_fn just_write(void *opaque)
{
    qemu_co_rwlock_wrlock(&rwlock);
    printf(" %s:write", (char *)opaque);
    qemu_co_rwlock_unlock(&rwlock);
}

static void readers_and_writers(void)
{
    Coroutine *a = qemu_coroutine_create(read_then_write, (char *)"a");
    Coroutine *b = qemu_coroutine_create(read_then_write, (char *)"b");

    qemu_co_rwlock_init(&rwlock);
    printf("rwlock");
    qemu_coroutine_enter(a);
    qemu_coroutine_enter(b);
    qemu_coroutine_enter(qemu_coroutine_create(just_write, (char *)"w"));
    qemu_coroutine_enter(a);    /* gives up reading, behind w */
    qemu_coroutine_enter(b);    /* so does b: w writes, then a may */
    qemu_coroutine_enter(a);    /* reads again; b waits to write */
    qemu_coroutine_enter(a);
    qemu_coroutine_enter(b);
    qemu_coroutine_enter(b);
    printf("\n");
}

/* ---- Several ---- */

enum { NUM_CONTEXTS = 5, ROUNDS = 500, PER_CONTEXT = 3 };

static __thread int id = -1;
static AioContext *ctx[NUM_CONTEXTS];
static QemuThread threads[NUM_CONTEXTS];
static QemuEvent event;
static int next_id, stopping, finished, atomic_counter, counter, wrong;
static Coroutine *to_schedule[NUM_CONTEXTS];

static void *run_context(void *opaque)
{
    id = *(int *)opaque;
    ctx[id] = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx[id]);
    qemu_event_set(&event);
    while (!qatomic_mb_read(&stopping)) {
        aio_poll(ctx[id], true);
    }
    return NULL;
}

static void coroutine_fn count_under_the_mutex(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < ROUNDS; i++) {
        qemu_co_mutex_lock(&mutex);
        counter++;
        qemu_co_mutex_unlock(&mutex);
        qatomic_inc(&atomic_counter);
    }
    qatomic_inc(&finished);
}

/* Puts itself into its context's place; who was there goes on. */
static void coroutine_fn give_turns(void *opaque)
{
    int mine = id;

    (void)opaque;
    for (int i = 0; i < ROUNDS; i++) {
        Coroutine *co = qatomic_xchg(&to_schedule[mine], qemu_coroutine_self());

        if (co) {
            aio_co_schedule(ctx[mine], co);
            qemu_coroutine_yield();
        } else if (qatomic_cmpxchg(&to_schedule[mine], qemu_coroutine_self(),
                                   NULL) != qemu_coroutine_self()) {
            qemu_coroutine_yield();
        }
        qatomic_add(&wrong, qemu_get_current_aio_context() != ctx[mine]);
    }
    qatomic_inc(&finished);
}

static void drain_cb(void *opaque)
{
    Coroutine *co = qatomic_xchg(&to_schedule[*(int *)opaque], NULL);

    if (co) {
        aio_co_schedule(ctx[*(int *)opaque], co);
    }
    qemu_event_set(&event);
}

static void noop_cb(void *opaque)
{
    (void)opaque;
}

static void run_all(const char *name, CoroutineEntry *entry)
{
    finished = 0;
    for (int i = 0; i < NUM_CONTEXTS * PER_CONTEXT; i++) {
        aio_co_schedule(ctx[i % NUM_CONTEXTS], qemu_coroutine_create(entry, NULL));
    }
    for (int i = 0; qatomic_mb_read(&finished) < NUM_CONTEXTS * PER_CONTEXT;
         i = (i + 1) % NUM_CONTEXTS) {
        int which = i;

        qemu_event_reset(&event);
        aio_bh_schedule_oneshot(ctx[i], drain_cb, &which);
        qemu_event_wait(&event);
    }
    printf("%s: %d\n", name, finished);
}

int main(void)
{
    init_clocks(NULL);
    life();
    mutual_exclusion();
    readers_and_writers();

    qemu_event_init(&event, false);
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        next_id = i;
        qemu_event_reset(&event);
        qemu_thread_create(&threads[i], "context", run_context, &next_id,
                           QEMU_THREAD_JOINABLE);
        qemu_event_wait(&event);
        aio_context_ref(ctx[i]);
    }
    run_all("mutex", count_under_the_mutex);
    printf("counted %d and %d\n", counter, atomic_counter);
    run_all("turns", give_turns);
    printf("wrong %d, id %d\n", wrong, id);

    qatomic_mb_set(&stopping, 1);
    for (int i = 0; i < NUM_CONTEXTS; i++) {
        aio_bh_schedule_oneshot(ctx[i], noop_cb, NULL);
        qemu_thread_join(&threads[i]);
        aio_context_unref(ctx[i]);
    }
    qemu_event_destroy(&event);
    return 4;
}

/* SPDX-License-Identifier: MIT */
/* Every header, type, macro and function that existing programs use, but for
 * engines: this need not run, it has to compile and link. */
#include "qemu/osdep.h"

#include "block/aio-wait.h"
#include "block/aio.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/coroutine.h"
#include "qemu/coroutine_int.h"
#include "qemu/error-report.h"
#include "qemu/event_notifier.h"
#include "qemu/futex.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/queue.h"
#include "qemu/rcu.h"
#include "qemu/sockets.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "sysemu/iothread.h"

/* Types that are complete. */
struct {
    EventNotifier notifier;
    QemuMutex mutex;
    QemuRecMutex rec_mutex;
    QemuCond cond;
    QemuSemaphore semaphore;
    QemuEvent event;
    QemuThread thread;
    QemuLockCnt lockcnt;
    QemuSpin spin;
    QEMUTimer timer;
    QEMUTimerListGroup group;
    QemuLockable lockable;
    GSource source;
    AioContext context;
    BlockAIOCB aiocb;
    AIOCBInfo info;
    FDMonOps monitor;
    BHListSlice slice;
    Coroutine coroutine;
    CoMutex co_mutex;
    CoQueue co_queue;
    CoRwlock co_rwlock;
    QemuCoSleep co_sleep;
} complete;

/* Those that are names. */
BlockDriverState *bs;
Error *error;
QEMUBH *bh;
GMainContext *main_context;
GMainLoop *main_loop;
IOThread *iothread;
struct ThreadPool *pool;
EventNotifierHandler *notifier_handler;
QEMUTimerCB *timer_cb;
QEMUTimerListNotifyCB *notify_cb;
QEMUBHFunc *bh_func;
AioPollFn *poll_fn;
IOHandler *io_handler;
BlockCompletionFunc *completion;
ThreadPoolFunc *pool_func;
CoroutineEntry *entry;
AioHandlerList *handlers;
AioHandlerSList *handler_slist;
BHList *bh_list;
AioHandler *handler;
struct LinuxAioState *linux_aio;
struct LuringState *luring;

#define F(name) (void (*)(void))name
void (*const functions[])(void) = {
    /* block/aio.h */
    F(qemu_aio_get), F(qemu_aio_unref), F(qemu_aio_ref), F(aio_poll_disabled),
    F(aio_context_new), F(aio_context_ref), F(aio_context_unref),
    F(aio_context_acquire), F(aio_context_release),
    F(aio_bh_schedule_oneshot_full), F(aio_bh_new_full), F(aio_notify),
    F(aio_notify_accept), F(aio_bh_call), F(aio_bh_poll), F(qemu_bh_schedule),
    F(qemu_bh_cancel), F(qemu_bh_delete), F(aio_prepare), F(aio_pending),
    F(aio_dispatch), F(aio_poll), F(aio_set_fd_handler), F(aio_set_fd_poll),
    F(aio_set_event_notifier), F(aio_set_event_notifier_poll),
    F(aio_get_g_source), F(aio_get_thread_pool), F(aio_timer_new_with_attrs),
    F(aio_timer_new), F(aio_timer_init_with_attrs), F(aio_timer_init),
    F(aio_compute_timeout), F(aio_disable_external), F(aio_enable_external),
    F(aio_external_disabled), F(aio_node_check),
    F(qemu_get_current_aio_context), F(qemu_set_current_aio_context),
    F(aio_context_setup), F(aio_context_destroy), F(aio_context_use_g_source),
    F(aio_context_set_poll_params), F(aio_context_set_aio_params),
    /* qapi/error.h */
    F(error_setg), F(error_setg_errno), F(error_propagate), F(error_get_pretty),
    F(error_free), F(error_report),
    /* qemu/event_notifier.h */
    F(event_notifier_init), F(event_notifier_cleanup), F(event_notifier_set),
    F(event_notifier_test_and_clear), F(event_notifier_get_fd),
    /* qemu/thread.h */
    F(qemu_mutex_init), F(qemu_mutex_destroy), F(qemu_mutex_lock),
    F(qemu_mutex_trylock), F(qemu_mutex_unlock), F(qemu_rec_mutex_init),
    F(qemu_rec_mutex_destroy), F(qemu_rec_mutex_lock),
    F(qemu_rec_mutex_trylock), F(qemu_rec_mutex_unlock), F(qemu_cond_init),
    F(qemu_cond_destroy), F(qemu_cond_signal), F(qemu_cond_broadcast),
    F(qemu_cond_wait), F(qemu_cond_timedwait), F(qemu_sem_init),
    F(qemu_sem_destroy), F(qemu_sem_post), F(qemu_sem_wait),
    F(qemu_sem_timedwait), F(qemu_event_init), F(qemu_event_set),
    F(qemu_event_reset), F(qemu_event_wait), F(qemu_event_destroy),
    F(qemu_thread_create), F(qemu_thread_join), F(qemu_thread_get_self),
    F(qemu_thread_is_self), F(qemu_thread_exit), F(qemu_lockcnt_init),
    F(qemu_lockcnt_destroy), F(qemu_lockcnt_inc), F(qemu_lockcnt_dec),
    F(qemu_lockcnt_lock), F(qemu_lockcnt_unlock), F(qemu_lockcnt_dec_and_lock),
    F(qemu_lockcnt_dec_if_lock), F(qemu_lockcnt_inc_and_unlock),
    F(qemu_lockcnt_count), F(qemu_spin_init), F(qemu_spin_lock),
    F(qemu_spin_trylock), F(qemu_spin_unlock),
    /* qemu/timer.h */
    F(init_clocks), F(qemu_clock_get_ns), F(qemu_clock_get_us),
    F(qemu_clock_get_ms), F(qemu_clock_enable), F(qemu_clock_has_timers),
    F(qemu_clock_expired), F(qemu_clock_deadline_ns_all), F(timer_init_full),
    F(timer_init), F(timer_init_ns), F(timer_init_us), F(timer_init_ms),
    F(timer_new_full), F(timer_new), F(timer_new_ns), F(timer_new_us),
    F(timer_new_ms), F(timer_free), F(timer_deinit), F(timer_mod),
    F(timer_mod_ns), F(timer_mod_anticipate), F(timer_mod_anticipate_ns),
    F(timer_del), F(timer_pending), F(timer_expired), F(timer_expire_time_ns),
    F(timerlist_new), F(timerlist_free), F(timerlist_has_timers),
    F(timerlist_expired), F(timerlist_deadline_ns), F(timerlist_run_timers),
    F(timerlist_notify), F(timerlist_get_clock), F(timerlistgroup_init),
    F(timerlistgroup_deinit), F(timerlistgroup_run_timers),
    F(timerlistgroup_deadline_ns), F(qemu_soonest_timeout),
    /* qemu/lockable.h */
    F(qemu_lockable_lock), F(qemu_lockable_unlock),
    /* qemu/main-loop.h */
    F(qemu_init_main_loop), F(qemu_get_aio_context), F(qemu_bh_schedule_idle),
    F(main_loop_wait), F(qemu_notify_event), F(qemu_set_fd_handler),
    F(iohandler_get_aio_context), F(qemu_mutex_iothread_locked),
    F(qemu_mutex_lock_iothread), F(qemu_mutex_unlock_iothread),
    /* block/thread-pool.h, block/block.h, block/aio-wait.h */
    F(thread_pool_new), F(thread_pool_free), F(thread_pool_submit_aio),
    F(thread_pool_submit), F(thread_pool_update_params), F(bdrv_aio_cancel),
    F(bdrv_aio_cancel_async), F(bdrv_get_aio_context), F(aio_wait_kick),
    F(aio_wait_bh_oneshot), F(in_aio_context_home_thread),
    /* sysemu/iothread.h */
    F(iothread_create), F(iothread_destroy), F(iothread_stop),
    F(iothread_get_id), F(iothread_get_aio_context), F(iothread_by_id),
    F(iothread_get_g_main_context),
    /* qemu/coroutine.h, and coroutines in the others */
    F(qemu_coroutine_create), F(qemu_coroutine_enter),
    F(qemu_coroutine_enter_if_inactive), F(qemu_aio_coroutine_enter),
    F(qemu_coroutine_yield), F(qemu_coroutine_self),
    F(qemu_coroutine_get_aio_context), F(qemu_in_coroutine),
    F(qemu_coroutine_entered), F(qemu_coroutine_inc_pool_size),
    F(qemu_coroutine_dec_pool_size), F(qemu_co_mutex_init),
    F(qemu_co_mutex_lock), F(qemu_co_mutex_unlock),
    F(qemu_co_mutex_assert_locked), F(qemu_co_queue_init),
    F(qemu_co_queue_wait_impl), F(qemu_co_queue_next),
    F(qemu_co_queue_restart_all), F(qemu_co_enter_next_impl),
    F(qemu_co_queue_empty), F(qemu_co_rwlock_init), F(qemu_co_rwlock_rdlock),
    F(qemu_co_rwlock_wrlock), F(qemu_co_rwlock_upgrade),
    F(qemu_co_rwlock_downgrade), F(qemu_co_rwlock_unlock), F(qemu_co_sleep),
    F(qemu_co_sleep_ns), F(qemu_co_sleep_ns_wakeable), F(qemu_co_sleep_wake),
    F(yield_until_fd_readable), F(aio_co_schedule), F(aio_co_reschedule_self),
    F(aio_co_wake), F(aio_co_enter), F(thread_pool_submit_co),
    /* qemu/rcu.h, qemu/futex.h */
    F(rcu_register_thread), F(rcu_unregister_thread), F(qemu_futex_wake),
    F(qemu_futex_wait),
    /* qemu/gmain.h */
    F(g_main_context_iteration), F(g_main_context_new), F(g_main_context_unref),
    F(g_main_context_push_thread_default), F(g_main_context_pop_thread_default),
    F(g_main_loop_new), F(g_main_loop_unref), F(g_main_loop_run),
    F(g_main_loop_quit), F(g_source_attach), F(g_source_unref),
};

static int number;
static int *pointer = &number;

typedef struct Item {
    QLIST_ENTRY(Item) list;
    QSLIST_ENTRY(Item) slist;
    QSIMPLEQ_ENTRY(Item) simpleq;
    QTAILQ_ENTRY(Item) tailq;
} Item;

static void bh_cb(void *opaque)
{
    ++*(int *)opaque;
}

static void use_macros(AioContext *ctx)
{
    QLIST_HEAD(, Item) list = QLIST_HEAD_INITIALIZER(list);
    QSLIST_HEAD(, Item) slist = QSLIST_HEAD_INITIALIZER(slist), taken;
    QSIMPLEQ_HEAD(, Item) simpleq = QSIMPLEQ_HEAD_INITIALIZER(simpleq);
    QTAILQ_HEAD(, Item) tailq = QTAILQ_HEAD_INITIALIZER(tailq);
    Item item, *i, *next;

    QLIST_INIT(&list);
    QLIST_INSERT_HEAD(&list, &item, list);
    QLIST_FOREACH_SAFE(i, &list, list, next) {
        QLIST_REMOVE(i, list);
    }
    QSLIST_INIT(&slist);
    QSLIST_INSERT_HEAD_ATOMIC(&slist, &item, slist);
    QSLIST_MOVE_ATOMIC(&taken, &slist);
    QSIMPLEQ_INIT(&simpleq);
    QSIMPLEQ_INSERT_TAIL(&simpleq, &item, simpleq);
    QSIMPLEQ_REMOVE_HEAD(&simpleq, simpleq);
    QTAILQ_INIT(&tailq);
    QTAILQ_INSERT_TAIL(&tailq, &item, tailq);
    QTAILQ_REMOVE(&tailq, &item, tailq);
    printf("lists %d %d %d %d\n", QLIST_EMPTY(&list), QSLIST_EMPTY(&slist),
           QSIMPLEQ_EMPTY(&simpleq), QTAILQ_EMPTY(&tailq));

    barrier();
    smp_mb();
    smp_rmb();
    smp_wmb();
    qatomic_set(pointer, 1);
    qatomic_store_release(pointer, qatomic_load_acquire(pointer) + 1);
    qatomic_mb_set(pointer, qatomic_mb_read(pointer) + 1);
    qatomic_inc(pointer);
    qatomic_dec(pointer);
    qatomic_add(pointer, 5);
    qatomic_sub(pointer, 4);
    qatomic_and(pointer, 0xff);
    qatomic_or(pointer, 0x10);
    printf("atomics %d", qatomic_fetch_inc(pointer));
    printf(" %d", qatomic_fetch_dec(pointer));
    printf(" %d", qatomic_fetch_add(pointer, 3));
    printf(" %d", qatomic_fetch_sub(pointer, 3));
    printf(" %d", qatomic_fetch_and(pointer, 0xf));
    printf(" %d", qatomic_fetch_or(pointer, 0x20));
    printf(" %d", qatomic_xchg(pointer, 7));
    printf(" %d", qatomic_cmpxchg(pointer, 7, 8));
    printf(" %d\n", qatomic_read(pointer));

    number = 0;
    aio_bh_schedule_oneshot(ctx, bh_cb, &number);
    bh = aio_bh_new(ctx, bh_cb, &number);
    qemu_bh_delete(bh);
    bh = qemu_bh_new(bh_cb, &number);
    qemu_bh_schedule(bh);
    printf("waited %d\n", AIO_WAIT_WHILE(ctx, number < 2));
    qemu_bh_delete(bh);
    WITH_QEMU_LOCK_GUARD(&complete.mutex) {
        QEMU_LOCK_GUARD(&complete.spin);
        printf("lockable %d\n",
               QEMU_MAKE_LOCKABLE(&complete.mutex)->object == &complete.mutex &&
               QEMU_MAKE_LOCKABLE_NONNULL(&complete.mutex) != NULL);
    }
    printf("%s %d %lld %d\n", stringify(one two), (int)(likely(1) + unlikely(1)),
           (long long)NANOSECONDS_PER_SECOND,
           container_of(&item.slist, Item, slist) == &item);
}

int main(void)
{
    const int clocks[] = { QEMU_CLOCK_REALTIME, QEMU_CLOCK_VIRTUAL,
                           QEMU_CLOCK_HOST, QEMU_CLOCK_VIRTUAL_RT,
                           QEMU_CLOCK_MAX, SCALE_MS, SCALE_US, SCALE_NS,
                           QEMU_TIMER_ATTR_EXTERNAL, QEMU_THREAD_JOINABLE,
                           QEMU_THREAD_DETACHED };
    Error *err = NULL;
    int missing = 0;

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        missing += functions[i] == NULL;
    }
    printf("missing %d, last clock %d, attributes %u\n", missing, clocks[4],
           QEMU_TIMER_ATTR_ALL);
    qemu_init_main_loop(&error_abort);
    qemu_mutex_init(&complete.mutex);
    qemu_spin_init(&complete.spin);
    use_macros(qemu_get_aio_context());
    error_setg(&err, "an %s", "error");
    printf("%s, %d\n", error_get_pretty(err), error_fatal == NULL);
    error_free(err);
    return 0;
}

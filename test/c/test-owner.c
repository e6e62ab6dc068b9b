/* SPDX-License-Identifier: MIT */
/*
 * How a thread fares that must never block: it spins for locks and is refused by
 * name where it would sleep for long. Natively there is no such thread, so this
 * program makes its main thread one, in the port's place; in WebAssembly the
 * thread that owns the runtime is tested from TypeScript.
 */
#include "threads.h"

#ifdef CONFIG_POSIX

#include "port/port.h"

static __thread bool is_owner;

bool port_may_wait(void)
{
    return !is_owner;
}

static QemuMutex mutex;
static QemuLockCnt cnt;
static int plain;

/* Longer than anybody spins before he sleeps. */
static void hold_long(int index)
{
    for (int i = 0; index && i < 1000; i++) {
        port_pause();
    }
}

static void add(int index, void *opaque)
{
    is_owner = index == 0;
    for (int i = *(int *)opaque; i > 0; i--) {
        qemu_mutex_lock(&mutex);
        plain++;
        hold_long(index);
        qemu_mutex_unlock(&mutex);
    }
}

static void owner_gets_a_mutex_by_spinning(void)
{
    int rounds = test_rounds(300);

    plain = 0;
    qemu_mutex_init(&mutex);
    test_in_threads(4, add, &rounds);
    ASSERT_INT_EQ(plain, 4 * rounds);
}

static void add_locked(int index, void *opaque)
{
    is_owner = index == 0;
    for (int i = *(int *)opaque; i > 0; i--) {
        qemu_lockcnt_inc(&cnt);
        if (!qemu_lockcnt_dec_and_lock(&cnt)) {
            qemu_lockcnt_lock(&cnt);
        }
        plain++;
        hold_long(index);
        qemu_lockcnt_unlock(&cnt);
    }
}

static void owner_gets_a_lockcnt_by_spinning(void)
{
    int rounds = test_rounds(300);

    plain = 0;
    qemu_lockcnt_init(&cnt);
    test_in_threads(4, add_locked, &rounds);
    ASSERT_INT_EQ(plain, 4 * rounds);
}

/* ---- What needs no sleep is granted ---- */

static void owner_is_granted_what_is_there(void)
{
    QemuSemaphore sem;
    QemuEvent ev;

    is_owner = true;
    qemu_sem_init(&sem, 2);
    qemu_sem_wait(&sem);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 1000), 0);
    ASSERT_INT_EQ(qemu_sem_timedwait(&sem, 0), -1);
    qemu_event_init(&ev, true);
    qemu_event_wait(&ev);
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, false);
}

/* ---- What would sleep is refused ---- */

static void owner_may_not_wait_for_a_condition(void)
{
    QemuCond cond;

    is_owner = true;
    qemu_mutex_init(&mutex);
    qemu_cond_init(&cond);
    qemu_mutex_lock(&mutex);
    qemu_cond_wait(&cond, &mutex);
}

static void owner_may_not_wait_for_a_condition_with_a_limit(void)
{
    QemuCond cond;

    is_owner = true;
    qemu_mutex_init(&mutex);
    qemu_cond_init(&cond);
    qemu_mutex_lock(&mutex);
    qemu_cond_timedwait(&cond, &mutex, 1);
}

static void owner_may_not_wait_for_a_semaphore(void)
{
    QemuSemaphore sem;

    is_owner = true;
    qemu_sem_init(&sem, 0);
    qemu_sem_wait(&sem);
}

static void owner_may_not_wait_for_a_semaphore_with_a_limit(void)
{
    QemuSemaphore sem;

    is_owner = true;
    qemu_sem_init(&sem, 0);
    qemu_sem_timedwait(&sem, 1);
}

static void owner_may_not_wait_for_an_event(void)
{
    QemuEvent ev;

    is_owner = true;
    qemu_event_init(&ev, false);
    qemu_event_wait(&ev);
}

static void *wait_for_ever(void *opaque)
{
    QemuEvent ev;

    qemu_event_init(&ev, false);
    qemu_event_wait(&ev);
    return opaque;
}

static void owner_may_not_join_a_running_thread(void)
{
    QemuThread thread;

    qemu_thread_create(&thread, "runs", wait_for_ever, NULL,
                       QEMU_THREAD_JOINABLE);
    is_owner = true;
    qemu_thread_join(&thread);
}

static void owner_may_not_wait_for_a_futex(void)
{
    uint32_t word = 0;

    is_owner = true;
    port_futex_wait(&word, 0, -1);
}

static void disable_the_clock(void *opaque)
{
    (void)opaque;
    qemu_clock_enable(QEMU_CLOCK_REALTIME, false);
}

static void owner_may_not_wait_for_timers_of_a_clock(void)
{
    QEMUTimerListGroup group;
    QEMUTimer timer;

    timerlistgroup_init(&group, NULL, NULL);
    timer_init_full(&timer, &group, QEMU_CLOCK_REALTIME, SCALE_NS, 0,
                    disable_the_clock, NULL);
    timer_mod(&timer, 0);
    is_owner = true;
    timerlistgroup_run_timers(&group);
}

#define REFUSES(name, call) \
    TEST_PANICS(name, call ": this thread must not block")

TEST_PROGRAM(
    TEST(owner_gets_a_mutex_by_spinning),
    TEST(owner_gets_a_lockcnt_by_spinning),
    TEST(owner_is_granted_what_is_there),
    REFUSES(owner_may_not_wait_for_a_condition, "qemu_cond_wait"),
    REFUSES(owner_may_not_wait_for_a_condition_with_a_limit,
            "qemu_cond_timedwait"),
    REFUSES(owner_may_not_wait_for_a_semaphore, "qemu_sem_wait"),
    REFUSES(owner_may_not_wait_for_a_semaphore_with_a_limit,
            "qemu_sem_timedwait"),
    REFUSES(owner_may_not_wait_for_an_event, "qemu_event_wait"),
    REFUSES(owner_may_not_join_a_running_thread, "qemu_thread_join"),
    REFUSES(owner_may_not_wait_for_a_futex, "port_futex_wait"),
    REFUSES(owner_may_not_wait_for_timers_of_a_clock, "qemu_clock_enable"),
)

#else

static void owner(void)
{
    TEST_SKIP("the owner's thread is tested from TypeScript");
}

TEST_PROGRAM(TEST(owner))

#endif

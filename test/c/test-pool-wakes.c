/* SPDX-License-Identifier: MIT */
/* What it costs to hand a job to a thread that is idle: one wake-up, sent when the pool's
 * lock is free again. */
#include "block/pool-threads.h"
#include "pool.h"

#ifdef CONFIG_POSIX

#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

static __thread bool watching;       /* this thread is submitting */
static int wakes;
static bool lock_was_held;

static bool is_free(QemuMutex *lock)
{
    /* Another thread may have it for a moment; this one, if it has it, for ever. */
    for (time_t end = time(NULL) + 20; time(NULL) < end;) {
        if (qemu_mutex_trylock(lock) == 0) {
            qemu_mutex_unlock(lock);
            return true;
        }
    }
    return false;
}

/* libc's, by which the port makes its futex calls. */
long syscall(long number, ...)
{
    static void *libc_syscall;
    void *found = qatomic_read(&libc_syscall);
    long (*real)(long number, ...);
    long a[6];
    va_list args;

    va_start(args, number);
    for (int i = 0; i < 6; i++) {
        a[i] = va_arg(args, long);
    }
    va_end(args);
    if (!found) {
        found = dlsym(RTLD_NEXT, "syscall");
        qatomic_set(&libc_syscall, found);
    }
    memcpy(&real, &found, sizeof(real));
    if (watching && number == SYS_futex && a[1] == FUTEX_WAKE_PRIVATE) {
        watching = false;
        wakes++;
        lock_was_held |= !is_free(&pool->lock);
        watching = true;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void wait_until_idle(void)
{
    for (bool idle = false; !idle;) {
        qemu_mutex_lock(&pool->lock);
        idle = pool->idle == 1;
        qemu_mutex_unlock(&pool->lock);
    }
}

static void one_wake_up_with_the_lock_free(void)
{
    setup(1);
    submit(&jobs[0]);           /* its thread starts */
    poll_until(1);
    for (int i = 2; i < 500; i++) {
        wait_until_idle();
        journal_clear();
        wakes = 0;
        watching = true;
        submit(&jobs[1]);
        watching = false;
        ASSERT_FALSE(lock_was_held);
        ASSERT_INT_EQ(wakes, 1);
        poll_until(i);
    }
    loop_teardown();
}

TEST_PROGRAM(TEST(one_wake_up_with_the_lock_free))

#else

static void futex_calls(void)
{
    TEST_SKIP("there are no system calls here");
}

TEST_PROGRAM(TEST(futex_calls))

#endif

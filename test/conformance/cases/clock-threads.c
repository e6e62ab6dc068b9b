// SPDX-License-Identifier: MIT
/*
 * All threads of a program read one clock: a value that one thread has read is
 * not later than what another one reads afterwards, and no thread sees its own
 * clock go backwards. The threads start one after the other, half a second apart,
 * so clocks that count from the start of a thread differ by that.
 */
#include <stdio.h>
#include <unistd.h>
#include "qemu/atomic.h"
#include "qemu/futex.h"
#include "qemu/thread.h"
#include "qemu/timer.h"

#define PLAYERS 4
#define ROUNDS 500
#define READS 200000
/* Where a thread's clock has to be measured, it is off by what that took. */
#define ALLOWED_NS (100 * 1000000LL)

static uint32_t ball;
static int64_t seen;
static int64_t worst;
static uint32_t backwards;

static void play(uint32_t me)
{
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t holder;
        int64_t now;

        while ((holder = qatomic_mb_read(&ball)) != me) {
            qemu_futex_wait(&ball, holder);
        }
        now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        if (seen - now > worst) {
            worst = seen - now;
        }
        seen = now;
        qatomic_mb_set(&ball, (me + 1) % PLAYERS);
        qemu_futex_wake(&ball, INT32_MAX);
    }
}

static void *thread(void *opaque)
{
    int64_t last = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    for (int i = 0; i < READS; i++) {
        int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

        if (now < last) {
            qatomic_inc(&backwards);
        }
        last = now;
    }
    play((uint32_t)(uintptr_t)opaque);
    return NULL;
}

int main(void)
{
    QemuThread threads[PLAYERS];

    for (uintptr_t n = 1; n < PLAYERS; n++) {
        usleep(500 * 1000);
        qemu_thread_create(&threads[n], "player", thread, (void *)n,
                           QEMU_THREAD_JOINABLE);
    }
    thread(NULL);
    for (int n = 1; n < PLAYERS; n++) {
        qemu_thread_join(&threads[n]);
    }
    printf("at most %lld ns back between threads, %u times in one\n",
           (long long)worst, backwards);
    return worst > ALLOWED_NS || backwards != 0;
}

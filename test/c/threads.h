/* SPDX-License-Identifier: MIT */
#ifndef TEST_THREADS_H
#define TEST_THREADS_H
/* Several threads that begin together, and waiting for what they do. */
#include "port/port.h"
#include "qemu/thread.h"
#include "test.h"

/* For a moment; the condition is looked at again whatever happens. A spinning
 * thread may keep the CPU from the one that it waits for. */
static inline void test_nap(unsigned turn)
{
    static uint32_t never;

    if (turn < 2000) {
        port_pause();
    } else {
        port_futex_wait(&never, 0, 20 * SCALE_US);
    }
}

#define TEST_WAIT_UNTIL(cond)                                                \
    do {                                                                     \
        for (unsigned turn_ = 0; !(cond); turn_++) {                         \
            test_nap(turn_);                                                 \
        }                                                                    \
    } while (0)

#define TEST_MAX_THREADS 8

typedef struct TestGang TestGang;
typedef struct TestMember {
    TestGang *gang;
    int index;
    QemuThread thread;
} TestMember;
struct TestGang {
    void (*run)(int index, void *opaque);
    void *opaque;
    int count;
    uint32_t arrived;
    QemuEvent start;
    TestMember members[TEST_MAX_THREADS];
};

static inline void *test_gang_member(void *opaque)
{
    TestMember *member = opaque;
    TestGang *gang = member->gang;

    if (qatomic_fetch_inc(&gang->arrived) + 1 == (uint32_t)gang->count) {
        qemu_event_set(&gang->start);
    }
    qemu_event_wait(&gang->start);
    gang->run(member->index, gang->opaque);
    return NULL;
}

static inline void test_gang_start(TestGang *gang, int count,
                                   void (*run)(int index, void *opaque),
                                   void *opaque)
{
    gang->run = run;
    gang->opaque = opaque;
    gang->count = count;
    gang->arrived = 0;
    qemu_event_init(&gang->start, false);
    for (int i = 0; i < count; i++) {
        gang->members[i].gang = gang;
        gang->members[i].index = i;
        qemu_thread_create(&gang->members[i].thread, "gang", test_gang_member,
                           &gang->members[i], QEMU_THREAD_JOINABLE);
    }
}

static inline void test_gang_join(TestGang *gang)
{
    for (int i = 0; i < gang->count; i++) {
        qemu_thread_join(&gang->members[i].thread);
    }
    qemu_event_destroy(&gang->start);
}

/* Runs run(0 … count - 1, opaque), each in a thread of its own. */
static inline void test_in_threads(int count,
                                   void (*run)(int index, void *opaque),
                                   void *opaque)
{
    TestGang gang;

    test_gang_start(&gang, count, run, opaque);
    test_gang_join(&gang);
}

/* Runs run(opaque) in another thread, to its end. */
typedef struct TestCall {
    void (*run)(void *opaque);
    void *opaque;
} TestCall;

static inline void *test_call(void *opaque)
{
    TestCall *call = opaque;

    call->run(call->opaque);
    return NULL;
}

static inline void test_elsewhere(void (*run)(void *opaque), void *opaque)
{
    TestCall call = { run, opaque };
    QemuThread thread;

    qemu_thread_create(&thread, "elsewhere", test_call, &call,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
}

#endif

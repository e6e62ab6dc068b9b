/* SPDX-License-Identifier: MIT */
/* Threads: making, ending, joining, being oneself. */
#include "port/port.h"
#include "sync/thread.h"
#include "threads.h"

static void *give_back(void *opaque)
{
    return opaque;
}

static void join_gives_what_the_thread_returned(void)
{
    QemuThread threads[4];
    int results[4];

    for (int i = 0; i < 4; i++) {
        qemu_thread_create(&threads[i], "give", give_back, &results[i],
                           QEMU_THREAD_JOINABLE);
    }
    for (int i = 0; i < 4; i++) {
        ASSERT_PTR_EQ(qemu_thread_join(&threads[i]), &results[i]);
    }
}

static void *exit_early(void *opaque)
{
    qemu_thread_exit(opaque);
}

static void join_gives_what_the_thread_exited_with(void)
{
    QemuThread thread;
    int result;

    qemu_thread_create(&thread, "exit", exit_early, &result,
                       QEMU_THREAD_JOINABLE);
    ASSERT_PTR_EQ(qemu_thread_join(&thread), &result);
}

static void *write_plain(void *opaque)
{
    *(int *)opaque += 1;
    return NULL;
}

static void join_sees_what_the_thread_wrote(void)
{
    int plain = 0;

    for (int i = 0; i < 100; i++) {
        QemuThread thread;
        qemu_thread_create(&thread, "write", write_plain, &plain,
                           QEMU_THREAD_JOINABLE);
        qemu_thread_join(&thread);
        ASSERT_INT_EQ(plain, i + 1);
    }
}

static QemuEvent ran;

static void *set_ran(void *opaque)
{
    qemu_event_set(&ran);
    return opaque;
}

static void detached_thread_runs(void)
{
    QemuThread thread;

    qemu_event_init(&ran, false);
    qemu_thread_create(&thread, "detached", set_ran, NULL,
                       QEMU_THREAD_DETACHED);
    qemu_event_wait(&ran);
}

static void *compare_self(void *opaque)
{
    QemuThread *threads = opaque, self;

    /* [0] is the creator's, [1] this one's, stored before it began. */
    qemu_thread_get_self(&self);
    ASSERT_TRUE(qemu_thread_is_self(&self));
    ASSERT_FALSE(qemu_thread_is_self(&threads[0]));
    ASSERT_TRUE(qemu_thread_is_self(&threads[1]));
    return NULL;
}

static void each_thread_is_itself_and_no_other(void)
{
    QemuThread threads[2];

    qemu_thread_get_self(&threads[0]);
    ASSERT_TRUE(qemu_thread_is_self(&threads[0]));
    qemu_thread_create(&threads[1], "self", compare_self, threads,
                       QEMU_THREAD_JOINABLE);
    ASSERT_FALSE(qemu_thread_is_self(&threads[1]));
    qemu_thread_join(&threads[1]);
}

static void foreign_thread(void *opaque)
{
    QemuThread self;

    qemu_thread_get_self(&self);
    ASSERT_TRUE(qemu_thread_is_self(&self));
    ASSERT_FALSE(qemu_thread_is_self(opaque));
    qemu_event_set(&ran);
}

static void a_thread_that_was_not_made_here_is_itself_too(void)
{
    QemuThread self;

    qemu_event_init(&ran, false);
    qemu_thread_get_self(&self);
    ASSERT_INT_EQ(port_thread_start("foreign", foreign_thread, &self, NULL),
                  0);
    qemu_event_wait(&ran);
}

/* ---- What is done at the end ---- */

typedef struct Note {
    ThreadExitHook hook;
    char letter;
} Note;

static char notes[8];
static Note a = { .letter = 'a' }, b = { .letter = 'b' };

static void take_note(ThreadExitHook *hook)
{
    Note *note = container_of(hook, Note, hook);

    notes[strlen(notes)] = note->letter;
}

static void *leave_notes(void *opaque)
{
    a.hook.fn = b.hook.fn = take_note;
    thread_at_exit(&a.hook);
    thread_at_exit(&b.hook);
    ASSERT_STR_EQ(notes, "");
    if (opaque) {
        qemu_thread_exit(NULL);
    }
    return NULL;
}

static void exit_hooks_have_run_before_join_returns(void)
{
    for (int exits = 0; exits < 2; exits++) {
        QemuThread thread;

        memset(notes, 0, sizeof(notes));
        qemu_thread_create(&thread, "notes", leave_notes,
                           exits ? notes : NULL, QEMU_THREAD_JOINABLE);
        qemu_thread_join(&thread);
        ASSERT_STR_EQ(notes, "ba");
    }
}

/* ---- Many ---- */

static uint32_t ended;

static void *count_end(void *opaque)
{
    qatomic_inc(&ended);
    return opaque;
}

static void threads_come_and_go(void)
{
    int rounds = test_rounds(50);

    ended = 0;
    for (int i = 0; i < rounds; i++) {
        QemuThread threads[4];
        for (int k = 0; k < 4; k++) {
            qemu_thread_create(&threads[k], "many", count_end, NULL,
                               QEMU_THREAD_JOINABLE);
        }
        for (int k = 0; k < 4; k++) {
            qemu_thread_join(&threads[k]);
        }
    }
    ASSERT_INT_EQ(ended, 4 * rounds);
}

/* ---- Broken contracts ---- */

static void *wait_for_ever(void *opaque)
{
    qemu_event_wait(&ran);
    return opaque;
}

static void join_of_a_detached_thread_panics(void)
{
    QemuThread thread;

    qemu_event_init(&ran, false);
    qemu_thread_create(&thread, "hermit", wait_for_ever, NULL,
                       QEMU_THREAD_DETACHED);
    qemu_thread_join(&thread);
}

static void join_of_a_foreign_thread_panics(void)
{
    QemuThread thread;

    qemu_thread_get_self(&thread);
    qemu_thread_join(&thread);
}

static void *join_self(void *opaque)
{
    qemu_thread_join(opaque);
    return NULL;
}

static void join_of_oneself_panics(void)
{
    static QemuThread thread;

    qemu_thread_create(&thread, "narcissus", join_self, &thread,
                       QEMU_THREAD_JOINABLE);
    qemu_event_init(&ran, false);
    qemu_event_wait(&ran);
}

TEST_PROGRAM(
    TEST(join_gives_what_the_thread_returned),
    TEST(join_gives_what_the_thread_exited_with),
    TEST(join_sees_what_the_thread_wrote),
    TEST(detached_thread_runs),
    TEST(each_thread_is_itself_and_no_other),
    TEST(a_thread_that_was_not_made_here_is_itself_too),
    TEST(exit_hooks_have_run_before_join_returns),
    TEST(threads_come_and_go),
    TEST_PANICS(join_of_a_detached_thread_panics, "'hermit' is detached"),
    TEST_PANICS(join_of_a_foreign_thread_panics, "not a thread that can be"),
    TEST_PANICS(join_of_oneself_panics, "'narcissus' waits for itself"),
)

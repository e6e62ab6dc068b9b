/* SPDX-License-Identifier: MIT */
/* EventNotifier: a flag with an fd. */
#include "port/port.h"
#include "qemu/event_notifier.h"
#include "threads.h"

static bool is_readable(const EventNotifier *e)
{
    PortPollFd fd = { event_notifier_get_fd(e), PORT_POLLIN, 0 };

    ASSERT_INT_GE(fd.fd, 0);
    int ready = port_fd_poll(&fd, 1, -1, 0);
    ASSERT_INT_EQ(ready, fd.revents == PORT_POLLIN);
    return ready == 1;
}

static void init_makes_a_clear_one(void)
{
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    ASSERT_FALSE(is_readable(&e));
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 0);
    event_notifier_cleanup(&e);
}

static void active_init_makes_a_set_one(void)
{
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, 1), 0);
    ASSERT_TRUE(is_readable(&e));
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 1);
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 0);
    event_notifier_cleanup(&e);
}

static void many_sets_are_cleared_at_once(void)
{
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    for (int i = 0; i < 100; i++) {
        ASSERT_INT_EQ(event_notifier_set(&e), 0);
    }
    ASSERT_TRUE(is_readable(&e));
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 1);
    ASSERT_FALSE(is_readable(&e));
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 0);
    event_notifier_cleanup(&e);
}

static void cleanup_is_idempotent_and_leaves_a_dead_one(void)
{
    EventNotifier e;

    ASSERT_INT_EQ(event_notifier_init(&e, 1), 0);
    event_notifier_cleanup(&e);
    ASSERT_INT_EQ(event_notifier_get_fd(&e), -1);
    event_notifier_cleanup(&e);
    ASSERT_INT_EQ(event_notifier_set(&e), -1);
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 0);
}

static void notifiers_do_not_share(void)
{
    EventNotifier a, b;

    ASSERT_INT_EQ(event_notifier_init(&a, 0), 0);
    ASSERT_INT_EQ(event_notifier_init(&b, 0), 0);
    ASSERT_INT_NE(event_notifier_get_fd(&a), event_notifier_get_fd(&b));
    event_notifier_set(&a);
    ASSERT_FALSE(is_readable(&b));
    ASSERT_TRUE(is_readable(&a));
    event_notifier_cleanup(&a);
    event_notifier_cleanup(&b);
}

/* More than any table holds at once, one after the other. */
static void fds_are_used_again(void)
{
    for (int i = 0; i < 20000; i++) {
        EventNotifier e;
        ASSERT_INT_EQ(event_notifier_init(&e, i & 1), 0);
        ASSERT_INT_EQ(event_notifier_test_and_clear(&e), i & 1);
        event_notifier_cleanup(&e);
    }
}

/* Two setters publish a number each and then set; the clearer reads the numbers
 * after a clear. When the last set is over, one clear has seen all. */
static uint32_t published[2];
static int sets;

static void publish_and_set(int index, void *opaque)
{
    for (int i = 1; i <= sets; i++) {
        qatomic_mb_set(&published[index], (uint32_t)i);
        ASSERT_INT_EQ(event_notifier_set(opaque), 0);
    }
}

static void no_set_is_lost_to_a_clear(void)
{
    EventNotifier e;
    TestGang gang;
    uint32_t seen[2] = { 0, 0 };

    sets = test_rounds(20000);
    published[0] = published[1] = 0;
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    test_gang_start(&gang, 2, publish_and_set, &e);
    while (seen[0] != (uint32_t)sets || seen[1] != (uint32_t)sets) {
        /* A lost set leaves this waiting for ever. */
        if (event_notifier_test_and_clear(&e)) {
            seen[0] = qatomic_mb_read(&published[0]);
            seen[1] = qatomic_mb_read(&published[1]);
        }
    }
    test_gang_join(&gang);
    event_notifier_cleanup(&e);
}

#ifdef CONFIG_POSIX
static void a_full_counter_is_set_still(void)
{
    EventNotifier e;
    const uint64_t most = UINT64_MAX - 1;

    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    ASSERT_INT_EQ(write(event_notifier_get_fd(&e), &most, 8), 8);
    ASSERT_INT_EQ(event_notifier_set(&e), 0);
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 1);
    ASSERT_INT_EQ(event_notifier_test_and_clear(&e), 0);
    event_notifier_cleanup(&e);
}

static void set_leaves_errno_alone(void)
{
    EventNotifier e;
    const uint64_t most = UINT64_MAX - 1;

    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    ASSERT_INT_EQ(write(event_notifier_get_fd(&e), &most, 8), 8);
    errno = 77;
    event_notifier_set(&e);
    ASSERT_INT_EQ(errno, 77);
    event_notifier_cleanup(&e);
}
#endif

TEST_PROGRAM(
    TEST(init_makes_a_clear_one),
    TEST(active_init_makes_a_set_one),
    TEST(many_sets_are_cleared_at_once),
    TEST(cleanup_is_idempotent_and_leaves_a_dead_one),
    TEST(notifiers_do_not_share),
    TEST(fds_are_used_again),
    TEST(no_set_is_lost_to_a_clear),
#ifdef CONFIG_POSIX
    TEST(a_full_counter_is_set_still),
    TEST(set_leaves_errno_alone),
#endif
)

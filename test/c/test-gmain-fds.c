/* SPDX-License-Identifier: MIT */
/* The fds that are polled for a GSource: GLib's contract. */
#include "loop.h"
#include "notifiers.h"

/* Ready when its fd is. */
typedef struct Polled {
    GSource source;
    GPollFD *fd;
    bool adds;                 /* in each prepare, anew */
} Polled;

static gboolean prepare(GSource *source, gint *timeout)
{
    Polled *polled = container_of(source, Polled, source);

    *timeout = -1;
    if (polled->adds) {
        g_source_remove_poll(source, polled->fd);
        g_source_add_poll(source, polled->fd);
    }
    return false;
}

static gboolean check(GSource *source)
{
    Polled *polled = container_of(source, Polled, source);

    return (polled->fd->revents & polled->fd->events) != 0;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    (void)source;
    (void)callback;
    (void)user_data;
    return true;
}

static GSourceFuncs funcs = { prepare, check, dispatch, NULL };

static GMainContext *context;
static Polled *polled;
static EventNotifier notifiers[2];
static GPollFD fds[2];

/* Of the two fds the second is readable, and the source is ready when it is. */
static void setup(void)
{
    context = g_main_context_new();
    polled = (Polled *)g_source_new(&funcs, sizeof(Polled));
    g_source_attach(&polled->source, context);
    for (int i = 0; i < 2; i++) {
        ASSERT_INT_EQ(event_notifier_init(&notifiers[i], i == 1), 0);
        fds[i] = (GPollFD){ .fd = event_notifier_get_fd(&notifiers[i]),
                            .events = G_IO_IN };
    }
    polled->fd = &fds[1];
}

static void teardown(void)
{
    g_source_destroy(&polled->source);
    g_source_unref(&polled->source);
    g_main_context_unref(context);
    for (int i = 0; i < 2; i++) {
        event_notifier_cleanup(&notifiers[i]);
    }
}

static void one_that_is_ready_ends_the_wait(void)
{
    setup();
    g_source_add_poll(&polled->source, &fds[0]);
    g_source_add_poll(&polled->source, &fds[1]);
    ASSERT_TRUE(g_main_context_iteration(context, true));
    teardown();
}

static void each_is_told_what_is_ready(void)
{
    setup();
    g_source_add_poll(&polled->source, &fds[0]);
    g_source_add_poll(&polled->source, &fds[1]);
    g_main_context_iteration(context, false);
    ASSERT_INT_EQ(fds[0].revents, 0);
    ASSERT_INT_EQ(fds[1].revents, G_IO_IN);
    event_notifier_set(&notifiers[0]);
    event_notifier_test_and_clear(&notifiers[1]);
    g_main_context_iteration(context, false);
    ASSERT_INT_EQ(fds[0].revents, G_IO_IN);
    ASSERT_INT_EQ(fds[1].revents, 0);
    teardown();
}

static void one_that_was_removed_is_not_written_to(void)
{
    setup();
    g_source_add_poll(&polled->source, &fds[0]);
    g_source_add_poll(&polled->source, &fds[1]);
    g_source_remove_poll(&polled->source, &fds[1]);
    ASSERT_FALSE(g_main_context_iteration(context, false));
    ASSERT_INT_EQ(fds[1].revents, 0);
    event_notifier_set(&notifiers[0]);
    g_main_context_iteration(context, false);
    ASSERT_INT_EQ(fds[0].revents, G_IO_IN);
    teardown();
}

static void one_that_prepare_adds_is_polled_at_once(void)
{
    setup();
    polled->adds = true;
    for (int i = 0; i < 3; i++) {
        ASSERT_TRUE(g_main_context_iteration(context, true));
    }
    teardown();
}

static void removing_what_was_not_added_does_nothing(void)
{
    setup();
    g_source_add_poll(&polled->source, &fds[1]);
    g_source_remove_poll(&polled->source, &fds[0]);
    ASSERT_TRUE(g_main_context_iteration(context, true));
    teardown();
}

TEST_PROGRAM(
    TEST(one_that_is_ready_ends_the_wait),
    TEST(each_is_told_what_is_ready),
    TEST(one_that_was_removed_is_not_written_to),
    TEST(one_that_prepare_adds_is_polled_at_once),
    TEST(removing_what_was_not_added_does_nothing),
)

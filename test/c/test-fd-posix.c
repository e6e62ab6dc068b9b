/* SPDX-License-Identifier: MIT */
/* Handlers of the machine's own fds: pipes, sockets, files. */
#include "loop.h"

#ifdef CONFIG_POSIX

#include <pthread.h>
#include <sys/socket.h>

static int ends[2];

static void note_read(void *opaque)
{
    (void)opaque;
    journal_add('r');
}

static void note_write(void *opaque)
{
    (void)opaque;
    journal_add('w');
}

static void set_handler(int fd, IOHandler *io_read, IOHandler *io_write)
{
    aio_set_fd_handler(ctx, fd, false, io_read, io_write, NULL, NULL);
}

static const char *poll_once(void)
{
    journal_clear();
    aio_poll(ctx, false);
    return journal;
}

static void setup(bool sockets)
{
    loop_setup();
    ASSERT_INT_EQ(sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
                          : pipe(ends), 0);
}

static void teardown(void)
{
    for (int i = 0; i < 2; i++) {
        set_handler(ends[i], NULL, NULL);
        close(ends[i]);
    }
    loop_teardown();
}

static void a_pipe_is_readable_when_there_is_data(void)
{
    char byte;

    setup(false);
    set_handler(ends[0], note_read, NULL);
    ASSERT_STR_EQ(poll_once(), "");
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
    ASSERT_STR_EQ(poll_once(), "r");
    ASSERT_STR_EQ(poll_once(), "r");
    ASSERT_INT_EQ(read(ends[0], &byte, 1), 1);
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

static void fill_pipe(void)
{
    static char block[65536];

    ASSERT_INT_EQ(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], block, sizeof(block)) > 0) {
        continue;
    }
}

static void a_pipe_is_writable_while_there_is_room(void)
{
    static char block[65536];

    setup(false);
    set_handler(ends[1], NULL, note_write);
    ASSERT_STR_EQ(poll_once(), "w");
    fill_pipe();
    ASSERT_STR_EQ(poll_once(), "");
    ASSERT_INT_EQ(read(ends[0], block, sizeof(block)), sizeof(block));
    ASSERT_STR_EQ(poll_once(), "w");
    teardown();
}

static void read_comes_before_write(void)
{
    setup(true);
    set_handler(ends[0], note_read, note_write);
    ASSERT_STR_EQ(poll_once(), "w");
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
    ASSERT_STR_EQ(poll_once(), "rw");
    teardown();
}

static void remove_handler(void *opaque)
{
    (void)opaque;
    journal_add('r');
    set_handler(ends[0], NULL, NULL);
}

static void removed_by_read_it_does_not_write(void)
{
    setup(true);
    set_handler(ends[0], remove_handler, note_write);
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
    ASSERT_STR_EQ(poll_once(), "r");
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

static void the_end_of_a_pipe_is_read(void)
{
    setup(false);
    set_handler(ends[0], note_read, NULL);
    close(ends[1]);
    ASSERT_STR_EQ(poll_once(), "r");
    ends[1] = dup(ends[0]);
    teardown();
}

static void the_loss_of_the_reader_is_an_error_of_the_writer(void)
{
    setup(false);
    fill_pipe();
    set_handler(ends[1], NULL, note_write);
    ASSERT_STR_EQ(poll_once(), "");
    close(ends[0]);
    ASSERT_STR_EQ(poll_once(), "w");
    ends[0] = dup(ends[1]);
    teardown();
}

static void a_change_takes_other_events(void)
{
    setup(true);
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
    set_handler(ends[0], note_read, NULL);
    ASSERT_STR_EQ(poll_once(), "r");
    set_handler(ends[0], NULL, note_write);
    ASSERT_STR_EQ(poll_once(), "w");
    set_handler(ends[0], note_read, note_write);
    ASSERT_STR_EQ(poll_once(), "rw");
    teardown();
}

static void a_regular_file_is_always_ready(void)
{
    int fd = open("/proc/self/exe", O_RDONLY);

    ASSERT_INT_GE(fd, 0);
    loop_setup();
    set_handler(fd, note_read, NULL);
    ASSERT_STR_EQ(poll_once(), "r");
    ASSERT_STR_EQ(poll_once(), "r");
    set_handler(fd, NULL, NULL);
    close(fd);
    loop_teardown();
}

static void write_byte(void *opaque)
{
    (void)opaque;
    ASSERT_INT_EQ(write(ends[1], "x", 1), 1);
}

static void data_ends_the_sleep(void)
{
    WhenAsleep w;

    setup(false);
    set_handler(ends[0], note_read, NULL);
    aio_poll(ctx, true);
    journal_clear();
    when_asleep(&w, write_byte, NULL);
    while (!aio_poll(ctx, true)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "r");
    when_asleep_join(&w);
    teardown();
}

static void on_signal(int number)
{
    (void)number;
}

static uint32_t woken;

/* A signal that comes just before the sleep does not end it: hence again and again. */
static void interrupt(void *opaque)
{
    (void)opaque;
    while (!qatomic_mb_read(&woken)) {
        kill(getpid(), SIGUSR1);
        test_nap(UINT_MAX);
    }
}

static void a_signal_ends_the_sleep_without_progress(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t usr1;
    WhenAsleep w;

    setup(false);
    sigaction(SIGUSR1, &action, NULL);
    set_handler(ends[0], note_read, NULL);
    aio_poll(ctx, true);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    /* The other thread inherits the mask, so that this one gets the signal. */
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    when_asleep(&w, interrupt, NULL);
    pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
    ASSERT_FALSE(aio_poll(ctx, true));
    qatomic_mb_set(&woken, 1);
    when_asleep_join(&w);
    teardown();
}

TEST_PROGRAM(
    TEST(a_pipe_is_readable_when_there_is_data),
    TEST(a_pipe_is_writable_while_there_is_room),
    TEST(read_comes_before_write),
    TEST(removed_by_read_it_does_not_write),
    TEST(the_end_of_a_pipe_is_read),
    TEST(the_loss_of_the_reader_is_an_error_of_the_writer),
    TEST(a_change_takes_other_events),
    TEST(a_regular_file_is_always_ready),
    TEST(data_ends_the_sleep),
    TEST(a_signal_ends_the_sleep_without_progress),
)

#else

static void posix(void)
{
    TEST_SKIP("there are no pipes here");
}

TEST_PROGRAM(TEST(posix))

#endif

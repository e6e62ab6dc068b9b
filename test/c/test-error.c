/* SPDX-License-Identifier: MIT */
/* Error objects. */
#include "qapi/error.h"
#include "test.h"

static void setg_formats_and_keeps_errno(void)
{
    Error *err = NULL;

    errno = 5;
    error_setg(&err, "no %s in the %d rooms", "light", 3);
    ASSERT_INT_EQ(errno, 5);
    ASSERT_STR_EQ(error_get_pretty(err), "no light in the 3 rooms");
    error_free(err);
    error_free(NULL);
}

static void setg_errno_appends_the_reason(void)
{
    Error *err = NULL;
    char expected[128];

    error_setg_errno(&err, ENOENT, "open '%s'", "x");
    snprintf(expected, sizeof(expected), "open 'x': %s", strerror(ENOENT));
    ASSERT_STR_EQ(error_get_pretty(err), expected);
    error_free(err);

    err = NULL;
    error_setg_errno(&err, 0, "plain");
    ASSERT_STR_EQ(error_get_pretty(err), "plain");
    error_free(err);
}

static void a_long_message_is_not_cut(void)
{
    Error *err = NULL;
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    error_setg(&err, "%s", text);
    ASSERT_STR_EQ(error_get_pretty(err), text);
    error_free(err);
}

static void null_ignores(void)
{
    error_setg(NULL, "unheard");
    error_setg_errno(NULL, EIO, "unheard");
    error_propagate(NULL, NULL);
}

static Error *make(const char *text)
{
    Error *err = NULL;

    error_setg(&err, "%s", text);
    return err;
}

static void propagate_hands_on_the_first(void)
{
    Error *err = NULL;

    error_propagate(&err, NULL);
    ASSERT_PTR_EQ(err, NULL);
    error_propagate(&err, make("first"));
    error_propagate(&err, make("second"));
    ASSERT_STR_EQ(error_get_pretty(err), "first");
    error_free(err);
    error_propagate(NULL, make("nobody's"));
}

static void error_abort_panics(void)
{
    error_setg(&error_abort, "the %s", "end");
}

static void propagate_to_error_abort_panics(void)
{
    error_propagate(&error_abort, make("handed on"));
}

static void an_error_over_another_panics(void)
{
    Error *err = make("first");

    error_setg(&err, "second");
}

#ifdef CONFIG_POSIX
#include <sys/wait.h>

static void error_fatal_prints_and_exits_with_1(void)
{
    char text[64] = "";
    int ends[2], status;

    ASSERT_INT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        error_setg(&error_fatal, "fatal %d", 7);
        _Exit(2);
    }
    close(ends[1]);
    ASSERT_INT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_INT_EQ(WEXITSTATUS(status), 1);
    ASSERT_INT_GT(read(ends[0], text, sizeof(text) - 1), 0);
    ASSERT_STR_EQ(text, "fatal 7\n");
}
#endif

TEST_PROGRAM(
    TEST(setg_formats_and_keeps_errno),
    TEST(setg_errno_appends_the_reason),
    TEST(a_long_message_is_not_cut),
    TEST(null_ignores),
    TEST(propagate_hands_on_the_first),
    TEST_PANICS(error_abort_panics, "the end"),
    TEST_PANICS(propagate_to_error_abort_panics, "handed on"),
    TEST_PANICS(an_error_over_another_panics, "would overwrite the earlier error"),
#ifdef CONFIG_POSIX
    TEST(error_fatal_prints_and_exits_with_1),
#endif
)

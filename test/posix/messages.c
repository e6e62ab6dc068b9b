/* SPDX-License-Identifier: MIT */
/* What is said to the user: perror(), err() and warn(), syslog(), gettext() and catgets() without catalogues, psignal(). */
#include "topic.h"
#include <err.h>
#include <libintl.h>
#include <locale.h>
#include <monetary.h>
#include <nl_types.h>
#include <signal.h>
#include <syslog.h>

static void captured(const char *title, void (*says)(void))
{
    char text[512];
    int fd = open("said", O_CREAT | O_TRUNC | O_RDWR, 0666), old = dup(2);

    dup2(fd, 2);
    says();
    fflush(stderr);
    dup2(old, 2);
    close(old);
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    close(fd);
    text[n < 0 ? 0 : n] = '\0';
    for (char *p = text; *p; p++) {
        if (*p == '\n') {
            *p = '|';
        }
    }
    printf("%s = %s\n", title, text);
}

static void by_perror(void)
{
    errno = ENOENT;
    perror("a name");
    errno = EACCES;
    perror("");
    errno = EINVAL;
    perror(NULL);
}

static void by_psignal(void)
{
    psignal(SIGINT, "stopped");
    psignal(SIGTERM, NULL);
    psignal(SIGSEGV, "");
}

static void by_warn(void)
{
    errno = ENOENT;
    program_invocation_short_name = "topic";
    warn("number %d", 5);
    warnx("number %d", 6);
}

static void by_warn_none(void)
{
    errno = EEXIST;
    warn(NULL);
    warnx(NULL);
}

static void catalogues(void)
{
    SHOW(strcmp(gettext("text"), "text"));
    SHOW(strcmp(dgettext("d", "text"), "text"));
    SHOW(strcmp(dcgettext("d", "text", LC_MESSAGES), "text"));
    SHOW(strcmp(ngettext("one", "many", 1), "one"));
    SHOW(strcmp(ngettext("one", "many", 2), "many"));
    SHOW(strcmp(dngettext("d", "one", "many", 0), "many"));
    SHOW(strcmp(textdomain(NULL), "messages"));
    SHOW(strcmp(textdomain("mine"), "mine"));
    SHOW(strcmp(textdomain(NULL), "mine"));
    SHOW(strcmp(bindtextdomain("mine", "/usr/locale"), "/usr/locale"));
    SHOW(strcmp(bindtextdomain("mine", NULL), "/usr/locale"));
    SHOW(bind_textdomain_codeset("mine", NULL) == NULL);
    SHOW(catopen("no-such-catalogue", 0) == (nl_catd)-1);
    SHOW(errno == ENOENT);
}

static void texts(void)
{
    char text[64];
    /* Texts that musl and glibc have in common. */
    static const int errors[] = { EPERM, ENOENT, EINTR, EBADF, EAGAIN, EACCES, EEXIST, ENOTDIR, EISDIR, EINVAL, ENOSPC, EPIPE, ECONNREFUSED };
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGKILL, SIGUSR1, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM };

    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        printf("strerror %u = %s\n", i, strerror(errors[i]));
    }
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        printf("strsignal %u = %s\n", i, strsignal(signals[i]));
    }
    printf("%%m = ");
    errno = ENOENT;
    printf("%m\n");
    SHOW(strfmon(text, sizeof(text), "%n", 1234.5));
    printf("strfmon n = %s\n", text);
    SHOW(strfmon(text, sizeof(text), "[%10.3n] [%i] [%!n] [%%]", 1234.5, 2.0, 3.0));
    printf("strfmon = %s\n", text);
}

static void logs(void)
{
    openlog("topic", LOG_PID, LOG_USER);
    printf("setlogmask = %d\n", setlogmask(0));
    SHOW(setlogmask(LOG_UPTO(LOG_ERR)));
    SHOW(setlogmask(0) == LOG_UPTO(LOG_ERR));
    syslog(LOG_DEBUG, "not of interest: %d", 5);
    closelog();
}

static void topic(void)
{
    captured("perror", by_perror);
    captured("psignal", by_psignal);
    captured("warn", by_warn);
    captured("warn none", by_warn_none);
    catalogues();
    texts();
    logs();
}

/* SPDX-License-Identifier: MIT */
/* Signals that a program sends to itself. */
#include "topic.h"
#include <pthread.h>
#include <signal.h>

static volatile sig_atomic_t last, count;

static void handler(int signal)
{
    last = signal;
    count++;
}

static void with_info(int signal, siginfo_t *info, void *context)
{
    (void)context;
    handler(info ? signal : -1);
}

static void show(const char *what)
{
    printf("%s = %d signals, the last %s\n", what, (int)count,
           last == SIGUSR1 ? "SIGUSR1" : last == SIGUSR2 ? "SIGUSR2" : last == 0 ? "none" : "another");
    last = count = 0;
}

static void topic(void)
{
    struct sigaction action = { .sa_handler = handler }, old;
    sigset_t set;

    SHOW(sigaction(SIGUSR1, &action, &old));
    printf("first handler = %d\n", old.sa_handler == SIG_DFL);
    SHOW(raise(SIGUSR1));
    show("raise");
    SHOW(kill(getpid(), SIGUSR1));
    show("kill");
    printf("pthread_kill = %s\n", errno_name(pthread_kill(pthread_self(), SIGUSR1)));
    show("pthread_kill");
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = with_info;
    SHOW(sigaction(SIGUSR2, &action, NULL));
    SHOW(raise(SIGUSR2));
    show("with information");
    printf("signal = %d\n", signal(SIGUSR1, SIG_IGN) == handler);
    SHOW(raise(SIGUSR1));
    show("ignored");
    signal(SIGUSR1, handler);
    SHOW(raise(SIGCHLD));
    show("ignored by default");

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    printf("block = %s\n", errno_name(pthread_sigmask(SIG_BLOCK, &set, NULL)));
    SHOW(raise(SIGUSR1));
    show("blocked");
    SHOW(sigpending(&set));
    SHOW(sigismember(&set, SIGUSR1));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    printf("unblock = %s\n", errno_name(pthread_sigmask(SIG_UNBLOCK, &set, NULL)));
    show("unblocked");

    SHOW(kill(getpid(), 0));
    SHOW(kill(getpid(), -1));
    SHOW(kill(getpid(), 1000));
    SHOW(raise(-1));
    SHOW(raise(1000));
    printf("pthread_kill = %s\n", errno_name(pthread_kill(pthread_self(), 1000)));
    SHOW(sigaction(1000, NULL, &old));
    SHOW(sigaction(-1, NULL, &old));
}

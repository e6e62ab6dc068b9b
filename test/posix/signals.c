/* SPDX-License-Identifier: MIT */
/* Signals that a program sends to itself: handlers, masks, what is pending, and what a handler is told. */
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

static volatile sig_atomic_t during, nested, inside;

static void raises_another(int signal)
{
    sigset_t now;

    (void)signal;
    inside = 1;
    sigprocmask(SIG_BLOCK, NULL, &now);
    during = sigismember(&now, SIGUSR1) + 2 * sigismember(&now, SIGUSR2);
    raise(SIGUSR2);
    inside = 0;
}

static void another(int signal)
{
    (void)signal;
    nested += inside ? 10 : 1;
}

static void show_mask(const char *what)
{
    sigset_t now;

    printf("%s = %d during the handler, %d nested", what, (int)during, (int)nested);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("; afterwards %d\n", sigismember(&now, SIGUSR1) + 2 * sigismember(&now, SIGUSR2));
    during = nested = 0;
}

static void masks(void)
{
    static const int signals[] = { -1, 0, 1, SIGKILL, 64, 65, 1000 };
    struct sigaction action = { .sa_handler = raises_another };
    sigset_t set, old;

    signal(SIGUSR2, another);
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    show_mask("sa_mask");
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    show_mask("no sa_mask");
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    show_mask("SA_NODEFER");

    sigfillset(&set);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        printf("sigismember %d = %s", signals[i], R(sigismember(&set, signals[i])));
        printf(" %s", R(sigdelset(&set, signals[i])));
        printf(" %s\n", R(sigismember(&set, signals[i])));
    }
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGKILL);
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    SHOW(sigismember(&old, SIGUSR1));
    SHOW(sigprocmask(SIG_SETMASK, NULL, &old));
    SHOW(sigismember(&old, SIGUSR1));
    SHOW(sigismember(&old, SIGKILL));
    SHOW(sigprocmask(77, &set, NULL));
    SHOW(sigprocmask(77, NULL, &old));
    SHOW(raise(SIGUSR1));
    SHOW(raise(SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    SHOW(sigpending(&set));
    SHOW(sigismember(&set, SIGUSR1));
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
    sigemptyset(&set);
    SHOW(sigprocmask(SIG_SETMASK, &set, NULL));
}

static void tells(int signal, siginfo_t *info, void *context)
{
    (void)context;
    printf("told = signal %d, value %d, code %d, by this process %d\n", signal - SIGRTMIN, info->si_value.sival_int, info->si_code,
           info->si_pid == getpid() && info->si_uid == getuid());
}

static void information(void)
{
    struct sigaction action = { .sa_sigaction = tells, .sa_flags = SA_SIGINFO };
    struct timespec none = { 0, 0 };
    siginfo_t info;
    sigset_t set;

    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){ 5 }));
    SHOW(kill(getpid(), SIGRTMIN));
    SHOW(raise(SIGRTMIN));
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++) {
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ i });
        sigqueue(getpid(), SIGRTMIN, (union sigval){ 10 + i });
        sigqueue(getpid(), SIGUSR1, (union sigval){ 20 + i });
    }
    for (int i = 0; i < 5; i++) {
        int signal = sigtimedwait(&set, &info, &none);
        printf("taken = %d, value %d, code %d\n", signal == SIGUSR1 ? -1 : signal - SIGRTMIN, info.si_value.sival_int, info.si_code);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    SHOW(sigqueue(getpid(), 1000, (union sigval){ 1 }));
    SHOW(sigqueue(0x7fffffff, SIGRTMIN, (union sigval){ 1 }));
    SHOW(kill(0x7fffffff, SIGRTMIN));
}

/* Waits for a signal, which another thread sends. */
static void *waits(void *set)
{
    int signal = 0;

    sigwait(set, &signal);
    printf("the thread has got = %d\n", signal == SIGUSR1);
    return NULL;
}

static void other_threads(void)
{
    pthread_t thread;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, waits, &set);
    SHOW_ERROR(pthread_kill(thread, SIGUSR2));
    SHOW_ERROR(pthread_kill(thread, SIGCHLD));
    SHOW_ERROR(pthread_kill(thread, 1000));
    SHOW_ERROR(pthread_kill(thread, SIGUSR1));
    pthread_join(thread, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
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
    masks();
    information();
    other_threads();
}

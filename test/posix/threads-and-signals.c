/* SPDX-License-Identifier: MIT */
/* Threads by their rarer functions: joining with a time, affinity, ceilings, spinlocks, locks that check, cancellation's refusals. */
#include "topic.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <threads.h>
#include <time.h>

/* sigset() and its like, which are not recommended. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static sem_t go;

static void *waits(void *arg)
{
    sem_wait(&go);
    return arg;
}

static void joining(void)
{
    struct timespec past = { 1, 0 }, far;
    pthread_t thread;
    void *found = NULL;
    int value = 0;

    sem_init(&go, 0, 0);
    SHOW_ERROR(pthread_create(&thread, NULL, waits, &value));
    SHOW_ERROR(pthread_tryjoin_np(thread, &found));
    SHOW_ERROR(pthread_timedjoin_np(thread, &found, &past));
    sem_post(&go);
    clock_gettime(CLOCK_REALTIME, &far);
    far.tv_sec += 100;
    SHOW_ERROR(pthread_timedjoin_np(thread, &found, &far));
    SHOW(found == &value);
    SHOW_ERROR(pthread_create(&thread, NULL, waits, &value));
    sem_post(&go);
    int error;
    while ((error = pthread_tryjoin_np(thread, &found)) == EBUSY) {
        sched_yield();
    }
    SHOW(error);
    SHOW_ERROR(pthread_tryjoin_np(pthread_self(), &found));
}

static void affinity(void)
{
    cpu_set_t set;
    pthread_attr_t attr;
    size_t size = 0;

    SHOW_ERROR(pthread_getaffinity_np(pthread_self(), sizeof(set), &set));
    SHOW(CPU_COUNT(&set) > 0);
    SHOW_ERROR(pthread_setaffinity_np(pthread_self(), sizeof(set), &set));
    CPU_ZERO(&set);
    SHOW_ERROR(pthread_setaffinity_np(pthread_self(), sizeof(set), &set));
    SHOW_ERROR(pthread_getattr_default_np(&attr));
    SHOW_ERROR(pthread_attr_getstacksize(&attr, &size));
    SHOW(size > 0);
    clockid_t clock;
    SHOW_ERROR(pthread_getcpuclockid(pthread_self(), &clock));
    struct timespec now;
    SHOW(clock_gettime(clock, &now));
    SHOW(gettid() > 0);
}

static void checking(void)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t mutex;
    pthread_spinlock_t spin;
    pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    int ceiling = -1;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    SHOW_ERROR(pthread_mutexattr_setprioceiling(&attr, 5));
    SHOW_ERROR(pthread_mutexattr_setprioceiling(&attr, 500));
    SHOW_ERROR(pthread_mutex_init(&mutex, &attr));
    SHOW_ERROR(pthread_mutex_unlock(&mutex));
    SHOW_ERROR(pthread_mutex_lock(&mutex));
    SHOW_ERROR(pthread_mutex_lock(&mutex));
    SHOW_ERROR(pthread_mutex_trylock(&mutex));
    SHOW_ERROR(pthread_mutex_destroy(&mutex));
    SHOW_ERROR(pthread_mutex_unlock(&mutex));
    SHOW_ERROR(pthread_mutex_getprioceiling(&mutex, &ceiling));
    SHOW_ERROR(pthread_mutex_setprioceiling(&mutex, 5, &ceiling));
    SHOW_ERROR(pthread_mutex_consistent(&mutex));
    SHOW_ERROR(pthread_mutex_destroy(&mutex));
    SHOW_ERROR(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
    SHOW_ERROR(pthread_spin_lock(&spin));
    SHOW_ERROR(pthread_spin_trylock(&spin));
    SHOW_ERROR(pthread_spin_unlock(&spin));
    SHOW_ERROR(pthread_spin_trylock(&spin));
    SHOW_ERROR(pthread_spin_unlock(&spin));
    SHOW_ERROR(pthread_spin_destroy(&spin));
    SHOW_ERROR(pthread_rwlock_wrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_tryrdlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_trywrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_rdlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_tryrdlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_trywrlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_unlock(&rwlock));
    SHOW_ERROR(pthread_rwlock_destroy(&rwlock));
}

static void robust_mutex(void)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    SHOW_ERROR(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
}

static void *sends(void *arg)
{
    sem_wait(&go);
    kill(getpid(), SIGTERM);
    return arg;
}

/* One thread waits for a signal that another one sends to the program. */
static void waiting(void)
{
    pthread_t thread;
    sigset_t set;
    int signal = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    SHOW_ERROR(pthread_create(&thread, NULL, sends, NULL));
    sem_post(&go);
    SHOW_ERROR(sigwait(&set, &signal));
    SHOW(signal == SIGTERM);
    SHOW_ERROR(pthread_join(thread, NULL));
    SHOW(getpid() == gettid());
}

static volatile sig_atomic_t caught;

static void handler(int signal)
{
    caught = signal;
}

static void signals(void)
{
    sigset_t set, old, pending;
    siginfo_t info;
    struct timespec none = { 0, 0 };
    int signal = 0;

    SHOW(sigfillset(&set));
    SHOW(sigdelset(&set, SIGUSR1));
    SHOW(sigismember(&set, SIGUSR1));
    SHOW(sigismember(&set, SIGUSR2));
    SHOW(sigaddset(&set, 1000));
    SHOW(sigemptyset(&set));
    SHOW(sigisemptyset(&set));
    sigaddset(&set, SIGUSR1);
    SHOW(sigprocmask(77, &set, NULL));
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    SHOW(sigtimedwait(&set, &info, &none));
    SHOW(raise(SIGUSR1));
    SHOW(sigpending(&pending));
    SHOW(sigismember(&pending, SIGUSR1));
    SHOW(sigtimedwait(&set, &info, &none) == SIGUSR1);
    SHOW(sigpending(&pending));
    SHOW(sigismember(&pending, SIGUSR1));
    SHOW(raise(SIGUSR1));
    SHOW_ERROR(sigwait(&set, &signal));
    SHOW(signal == SIGUSR1);
    SHOW(raise(SIGUSR1));
    SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
    SHOW(info.si_signo == SIGUSR1);
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
    struct sigaction action = { .sa_handler = handler };
    sigaction(SIGUSR1, &action, NULL);
    SHOW(sighold(SIGUSR1));
    SHOW(raise(SIGUSR1));
    SHOW(caught);
    SHOW(sigrelse(SIGUSR1));
    SHOW(caught == SIGUSR1);
    caught = 0;
    SHOW(sigset(SIGUSR2, handler) == SIG_DFL);
    SHOW(raise(SIGUSR2));
    SHOW(caught == SIGUSR2);
    SHOW(sigset(SIGUSR2, SIG_HOLD) == handler);
    SHOW(sigset(SIGUSR2, SIG_IGN) == SIG_HOLD);
    SHOW(sigignore(SIGUSR1));
    SHOW(raise(SIGUSR1));
    SHOW(sigqueue(getpid(), 0, (union sigval){ 5 }));
    sigaction(SIGUSR1, &action, NULL);
    caught = 0;
    SHOW(sigqueue(getpid(), SIGUSR1, (union sigval){ 5 }));
    SHOW(caught == SIGUSR1);
    caught = 0;
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigemptyset(&set);
    SHOW(sigsuspend(&set));
    SHOW(caught == SIGUSR1);
    stack_t stack = { 0 };
    SHOW(sigaltstack(NULL, &stack));
    SHOW(stack.ss_flags == SS_DISABLE);
    SHOW(siginterrupt(SIGUSR1, 1));
    action.sa_handler = SIG_IGN;
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSTOP, &action, NULL));
    action.sa_handler = handler;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGUSR2, &action, NULL);
    SHOW(raise(SIGUSR2));
    SHOW(sigaction(SIGUSR2, NULL, &action));
    SHOW(action.sa_handler == SIG_DFL);
}

static void topic(void)
{
    joining();
    affinity();
    checking();
    robust_mutex();
    waiting();
    signals();
}

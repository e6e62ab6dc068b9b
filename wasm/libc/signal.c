/* SPDX-License-Identifier: MIT */
/* Signals come from the program alone: who sends one calls its handler. What libc does by default stays: it ends the program. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "qemu/thread.h"
#include "wait.h"
#include "weak.h"

int __real_raise(int signal);
int __wrap_raise(int signal);
int __real_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old);
int __wrap_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old);
int __wrap___sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old);
int __wrap_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout);
int __wrap_sigwait(const sigset_t *restrict set, int *restrict signal);
int __wrap_pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int __wrap_sigpending(sigset_t *set);
/* Of wasm/include/setjmp.h, and LLVM's name of longjmp(). */
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save);
_Noreturn void aio_priv_siglongjmp(sigjmp_buf buffer, int value);
_Noreturn void __wasm_longjmp(void *buffer, int value);

/* Counts the signals that were sent, for who waits for one. A futex. */
static uint32_t raised;

/* The signals that this thread has blocked. */
static _Thread_local sigset_t blocked;

/* Signals that were blocked when they were sent, the oldest first; all threads have them in common. */
enum { MOST_PENDING = 64 };
static QemuMutex lock;
static siginfo_t pending[MOST_PENDING];
static int count;

/* Keeps a signal until somebody takes it. One that is there already is dropped, unless signals of this kind queue up. */
static bool keep(const siginfo_t *info)
{
    bool kept = false, is_there = false;

    qemu_mutex_lock(&lock);
    for (int i = 0; i < count && info->si_signo < SIGRTMIN; i++) {
        is_there |= pending[i].si_signo == info->si_signo;
    }
    if (!is_there && count < MOST_PENDING) {
        pending[count++] = *info;
        kept = true;
    }
    qemu_mutex_unlock(&lock);
    return kept || is_there;
}

/* Takes the pending signal with the lowest number that is (or is not) a member of a set; false if there is none. */
static bool take(const sigset_t *set, bool member, siginfo_t *info)
{
    int best = -1;

    qemu_mutex_lock(&lock);
    for (int i = 0; i < count; i++) {
        if (sigismember(set, pending[i].si_signo) == member && (best < 0 || pending[i].si_signo < pending[best].si_signo)) {
            best = i;
        }
    }
    if (best >= 0) {
        *info = pending[best];
        memmove(&pending[best], &pending[best + 1], (size_t)(--count - best) * sizeof(*pending));
    }
    qemu_mutex_unlock(&lock);
    return best >= 0;
}

static void deliver_pending(void);

/* Does what is to be done for a signal. While its handler runs, it and the members of sa_mask are blocked. */
static void deliver(siginfo_t *info)
{
    const struct sigaction none = { .sa_handler = SIG_DFL };
    struct sigaction action;
    sigset_t before = blocked;
    int signal = info->si_signo;

    sigaction(signal, NULL, &action);
    if (action.sa_handler == SIG_IGN) {
        return;
    }
    if (action.sa_handler == SIG_DFL) {
        if (action.sa_flags & SA_SIGINFO) {
            /* libc's would call the null pointer. */
            sigaction(signal, &none, NULL);
        }
        __real_raise(signal);
        return;
    }
    if (action.sa_flags & (int)SA_RESETHAND) {
        sigaction(signal, &none, NULL);
    }
    sigorset(&blocked, &blocked, &action.sa_mask);
    if (!(action.sa_flags & SA_NODEFER)) {
        sigaddset(&blocked, signal);
    }
    /* Not CALL_USER: a handler may leave by siglongjmp(). */
    if (action.sa_flags & SA_SIGINFO) {
        CALL_OWN(action.sa_sigaction, signal, info, NULL);
    } else {
        CALL_OWN(action.sa_handler, signal);
    }
    blocked = before;
    deliver_pending();
}

static void deliver_pending(void)
{
    siginfo_t info;

    while (qatomic_read(&count) > 0 && take(&blocked, false, &info)) {
        deliver(&info);
    }
}

/* Sends a signal to the calling thread. */
static int send(int signal, int code, union sigval value)
{
    siginfo_t info = { .si_signo = signal, .si_code = code };

    if (signal < 0 || signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value = value;
    if (signal == 0) {
        return 0;
    }
    if (sigismember(&blocked, signal) != 1) {
        deliver(&info);
    } else if (!keep(&info) && code == SI_QUEUE) {
        errno = EAGAIN;
        return -1;
    }
    qatomic_inc(&raised);
    port_futex_wake(&raised, UINT32_MAX);
    return 0;
}

int __wrap_raise(int signal)
{
    return send(signal, SI_TKILL, (union sigval){ 0 });
}

/* There are no other processes than this one, whose group it is, too. */
static bool is_own(pid_t pid)
{
    return pid == getpid() || pid == 0 || pid == -getpgrp();
}

LIBC_WEAK
int kill(pid_t pid, int signal)
{
    if (signal < 0 || signal >= _NSIG || !is_own(pid)) {
        errno = signal < 0 || signal >= _NSIG ? EINVAL : ESRCH;
        return -1;
    }
    return send(signal, SI_USER, (union sigval){ 0 });
}

LIBC_WEAK
int sigqueue(pid_t pid, int signal, union sigval value)
{
    if (pid != getpid() && signal >= 0 && signal < _NSIG) {
        errno = ESRCH;
        return -1;
    }
    return send(signal, SI_QUEUE, value);
}

/* libc's reads a set that is NULL, and delivers what is pending without its information. */
int __wrap_pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    sigset_t before = blocked;

    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) {
        return EINVAL;
    }
    if (set && how == SIG_SETMASK) {
        blocked = *set;
    }
    for (int signal = 1; set && how != SIG_SETMASK && signal < _NSIG; signal++) {
        if (sigismember(set, signal) != 1) {
            continue;
        }
        if (how == SIG_BLOCK) {
            sigaddset(&blocked, signal);
        } else {
            sigdelset(&blocked, signal);
        }
    }
    /* Nobody blocks these two. */
    sigdelset(&blocked, SIGKILL);
    sigdelset(&blocked, SIGSTOP);
    if (old) {
        *old = before;
    }
    deliver_pending();
    return 0;
}

/* A signal that is to be ignored is pending no longer. Nobody catches or ignores SIGKILL and SIGSTOP. */
int __wrap_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    siginfo_t info;
    sigset_t set;
    int ret;

    if (action && (signal == SIGKILL || signal == SIGSTOP)) {
        errno = EINVAL;
        return -1;
    }
    ret = __real_sigaction(signal, action, old);
    if (ret == 0 && action && action->sa_handler == SIG_IGN) {
        sigemptyset(&set);
        sigaddset(&set, signal);
        while (take(&set, true, &info)) {
        }
    }
    return ret;
}

/* signal() calls it by this name. */
int __wrap___sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    return __wrap_sigaction(signal, action, old);
}

int __wrap_sigpending(sigset_t *set)
{
    sigemptyset(set);
    qemu_mutex_lock(&lock);
    for (int i = 0; i < count; i++) {
        sigaddset(set, pending[i].si_signo);
    }
    qemu_mutex_unlock(&lock);
    return 0;
}

/* libc's waits for nothing. */
int __wrap_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout)
{
    int64_t deadline;
    siginfo_t taken;

    if (bad_time(timeout)) {
        errno = EINVAL;
        return -1;
    }
    if (!timeout || __builtin_add_overflow(port_clock_ns(PORT_CLOCK_MONOTONIC), ns_of(timeout->tv_sec, timeout->tv_nsec), &deadline)) {
        deadline = NO_DEADLINE;
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&raised);
        if (take(set, true, &taken)) {
            break;
        }
        if (!wait_on(&raised, seen, deadline)) {
            errno = EAGAIN;
            return -1;
        }
    }
    if (info) {
        *info = taken;
    }
    return taken.si_signo;
}

int __wrap_sigwait(const sigset_t *restrict set, int *restrict signal)
{
    *signal = __wrap_sigtimedwait(set, NULL, NULL);
    return 0;
}

/* There is no other stack: handlers run on that of who raises the signal. */
LIBC_WEAK
int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
    static _Thread_local stack_t kept = { .ss_flags = SS_DISABLE };

    if (stack && (stack->ss_flags & ~SS_DISABLE || (!(stack->ss_flags & SS_DISABLE) && stack->ss_size < MINSIGSTKSZ))) {
        errno = stack->ss_flags & ~SS_DISABLE ? EINVAL : ENOMEM;
        return -1;
    }
    if (old) {
        *old = kept;
    }
    if (stack) {
        kept = *stack;
    }
    return 0;
}

/* Waits until a signal is raised that is not in the mask. */
LIBC_WEAK
int sigsuspend(const sigset_t *mask)
{
    uint32_t seen = qatomic_mb_read(&raised);
    sigset_t before, waiting;
    bool any = false;

    sigpending(&waiting);
    for (int signal = 1; signal < _NSIG; signal++) {
        any |= sigismember(&waiting, signal) == 1 && sigismember(mask, signal) != 1;
    }
    sigprocmask(SIG_SETMASK, mask, &before);
    while (!any && qatomic_mb_read(&raised) == seen) {
        wait_on(&raised, seen, NO_DEADLINE);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = EINTR;
    return -1;
}

_Static_assert(sizeof(((sigjmp_buf *)0)[0]->__ss) >= sizeof(sigset_t), "a sigjmp_buf has room for a mask");

/* What sigsetjmp() does before setjmp(): keeps the mask. */
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save)
{
    buffer->__fl = save != 0;
    if (save) {
        sigprocmask(SIG_BLOCK, NULL, (sigset_t *)buffer->__ss);
    }
}

void aio_priv_siglongjmp(sigjmp_buf buffer, int value)
{
    if (buffer->__fl) {
        sigprocmask(SIG_SETMASK, (const sigset_t *)buffer->__ss, NULL);
    }
    __wasm_longjmp(buffer, value);
}

/* One line of standard error, with the text before it as perror() puts it. */
LIBC_WEAK
void psignal(int signal, const char *text)
{
    bool any = text && *text;

    fprintf(stderr, "%s%s%s\n", any ? text : "", any ? ": " : "", strsignal(signal));
}

LIBC_WEAK
void psiginfo(const siginfo_t *info, const char *text)
{
    psignal(info->si_signo, text);
}

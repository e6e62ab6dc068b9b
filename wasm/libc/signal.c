/* SPDX-License-Identifier: MIT */
/* Signals come from the program alone: raise() calls the handler. Emscripten's does not look whether there is such a signal. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "wait.h"
#include "weak.h"

int __real_raise(int signal);
int __wrap_raise(int signal);
int __real_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old);
int __wrap_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old);
int __real_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout);
int __wrap_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout);
int __wrap_sigwait(const sigset_t *restrict set, int *restrict signal);
/* Of wasm/include/setjmp.h, and LLVM's name of longjmp(). */
void aio_priv_sigsetjmp(sigjmp_buf buffer, int save);
_Noreturn void aio_priv_siglongjmp(sigjmp_buf buffer, int value);
_Noreturn void __wasm_longjmp(void *buffer, int value);

/* Counts the calls of raise(), for who waits for a signal. A futex. */
static uint32_t raised;

/* A handler that is for one time only is called here, after the default has become the action. */
static bool is_called_once(int signal)
{
    struct sigaction action, none = { .sa_handler = SIG_DFL };
    sigset_t blocked;

    if (sigaction(signal, NULL, &action) < 0 || !(action.sa_flags & (int)SA_RESETHAND) || action.sa_handler == SIG_DFL ||
        action.sa_handler == SIG_IGN) {
        return false;
    }
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    if (sigismember(&blocked, signal) == 1) {
        return false;
    }
    sigaction(signal, &none, NULL);
    if (action.sa_flags & SA_SIGINFO) {
        siginfo_t info = { .si_signo = signal, .si_code = SI_TKILL };
        CALL_USER(action.sa_sigaction, signal, &info, NULL);
    } else {
        CALL_USER(action.sa_handler, signal);
    }
    return true;
}

int __wrap_raise(int signal)
{
    int ret;

    if (signal < 0 || signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    ret = is_called_once(signal) ? 0 : __real_raise(signal);
    qatomic_inc(&raised);
    port_futex_wake(&raised, UINT32_MAX);
    return ret;
}

/* Nobody catches, ignores or blocks these two. */
int __wrap_sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old)
{
    if (action && (signal == SIGKILL || signal == SIGSTOP)) {
        errno = EINVAL;
        return -1;
    }
    return __real_sigaction(signal, action, old);
}

static int pending_of(const sigset_t *set)
{
    sigset_t pending;

    sigpending(&pending);
    for (int signal = 1; signal < _NSIG; signal++) {
        if (sigismember(set, signal) == 1 && sigismember(&pending, signal) == 1) {
            return signal;
        }
    }
    return 0;
}

/* libc's takes a signal that is pending, but does not tell of it, and waits for none. */
int __wrap_sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict timeout)
{
    int64_t deadline;
    int signal;

    if (bad_time(timeout)) {
        errno = EINVAL;
        return -1;
    }
    if (!timeout || __builtin_add_overflow(port_clock_ns(PORT_CLOCK_MONOTONIC), ns_of(timeout->tv_sec, timeout->tv_nsec), &deadline)) {
        deadline = NO_DEADLINE;
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&raised);
        if ((signal = pending_of(set))) {
            break;
        }
        if (!wait_on(&raised, seen, deadline)) {
            errno = EAGAIN;
            return -1;
        }
    }
    __real_sigtimedwait(set, NULL, NULL);
    if (info) {
        *info = (siginfo_t){ .si_signo = signal, .si_code = SI_TKILL };
    }
    return signal;
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
    sigset_t before, open;

    sigfillset(&open);
    for (int signal = 1; signal < _NSIG; signal++) {
        if (sigismember(mask, signal) == 1) {
            sigdelset(&open, signal);
        }
    }
    bool any = pending_of(&open);
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

/* SPDX-License-Identifier: MIT */
/* Signals by the functions of System V, and the members of sets. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>

#include "weak.h"

static int change(int how, int signal)
{
    sigset_t set;

    sigemptyset(&set);
    return sigaddset(&set, signal) < 0 ? -1 : sigprocmask(how, &set, NULL);
}

LIBC_WEAK
int sighold(int signal)
{
    return change(SIG_BLOCK, signal);
}

LIBC_WEAK
int sigrelse(int signal)
{
    return change(SIG_UNBLOCK, signal);
}

LIBC_WEAK
int sigignore(int signal)
{
    struct sigaction action = { .sa_handler = SIG_IGN };

    return sigaction(signal, &action, NULL);
}

LIBC_WEAK
void (*sigset(int signal, void (*handler)(int)))(int)
{
    struct sigaction action = { .sa_handler = handler }, old;
    sigset_t set, before;

    sigemptyset(&set);
    if (sigaddset(&set, signal) < 0 || sigaction(signal, handler == SIG_HOLD ? NULL : &action, &old) < 0 ||
        sigprocmask(handler == SIG_HOLD ? SIG_BLOCK : SIG_UNBLOCK, &set, &before) < 0) {
        return SIG_ERR;
    }
    return sigismember(&before, signal) ? SIG_HOLD : old.sa_handler;
}

LIBC_WEAK
int sigpause(int signal)
{
    sigset_t mask;

    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigdelset(&mask, signal) < 0 ? -1 : sigsuspend(&mask);
}

/* libc's takes what is no signal for one that is no member. */
LIBC_WEAK
int sigismember(const sigset_t *set, int signal)
{
    unsigned bit = (unsigned)signal - 1, bits = 8 * sizeof(set->__bits[0]);

    if (signal <= 0 || signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    return set->__bits[bit / bits] >> bit % bits & 1;
}

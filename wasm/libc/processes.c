/* SPDX-License-Identifier: MIT */
/*
 * The program as a process: it is the only one, has no children, belongs to user and group 0, and has
 * the ordinary priority and no limits. Emscripten's functions fail with ENOSYS, or accept anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fails.h"
#include "weak.h"

/* ---- Children ---- */

LIBC_WEAK
pid_t waitpid(pid_t pid, int *status, int options)
{
    (void)pid;
    (void)status;
    return fails(options & ~(WNOHANG | WUNTRACED | WCONTINUED) ? EINVAL : ECHILD);
}

LIBC_WEAK
pid_t wait(int *status)
{
    return waitpid(-1, status, 0);
}

LIBC_WEAK
pid_t wait3(int *status, int options, struct rusage *usage)
{
    (void)usage;
    return waitpid(-1, status, options);
}

LIBC_WEAK
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    (void)usage;
    return waitpid(pid, status, options);
}

LIBC_WEAK
int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    (void)id;
    (void)info;
    if (options & ~(WNOHANG | WNOWAIT | WSTOPPED | WEXITED | WCONTINUED) || !(options & (WSTOPPED | WEXITED | WCONTINUED)) || type > P_PIDFD) {
        return fails(EINVAL);
    }
    return fails(ECHILD);
}

/* The program is the only process of its group. */
LIBC_WEAK
int killpg(pid_t group, int signal)
{
    return group < 0 ? fails(EINVAL) : kill(group == 0 || group == getpgrp() ? getpid() : group, signal);
}

/* No signal comes from a clock: such a timer can be asked for and turned off. */
LIBC_WEAK
int getitimer(int which, struct itimerval *value)
{
    if (which < ITIMER_REAL || which > ITIMER_PROF) {
        return fails(EINVAL);
    }
    *value = (struct itimerval){ 0 };
    return 0;
}

LIBC_WEAK
int setitimer(int which, const struct itimerval *restrict value, struct itimerval *restrict old)
{
    struct itimerval none;

    if (getitimer(which, old ? old : &none) < 0) {
        return -1;
    }
    return value->it_value.tv_sec || value->it_value.tv_usec ? fails(ENOTSUP) : 0;
}

/* ---- User and group ---- */

static int becomes(unsigned id)
{
    return id == 0 ? 0 : fails(EPERM);
}

LIBC_WEAK
int setuid(uid_t id)
{
    return becomes(id);
}

LIBC_WEAK
int seteuid(uid_t id)
{
    return becomes(id);
}

LIBC_WEAK
int setgid(gid_t id)
{
    return becomes(id);
}

LIBC_WEAK
int setegid(gid_t id)
{
    return becomes(id);
}

LIBC_WEAK
int getgroups(int size, gid_t list[])
{
    (void)list;
    return size < 0 ? fails(EINVAL) : 0;
}

/* ---- Priority and limits ---- */

LIBC_WEAK
int getpriority(int which, id_t who)
{
    (void)who;
    return which == PRIO_PROCESS || which == PRIO_PGRP || which == PRIO_USER ? 0 : fails(EINVAL);
}

LIBC_WEAK
int setpriority(int which, id_t who, int value)
{
    return getpriority(which, who) < 0 ? -1 : value == 0 ? 0 : fails(EACCES);
}

LIBC_WEAK
int nice(int change)
{
    return change == 0 ? 0 : fails(EPERM);
}

LIBC_WEAK
int getrlimit(int which, struct rlimit *limit)
{
    if (which < 0 || which >= RLIM_NLIMITS) {
        return fails(EINVAL);
    }
    limit->rlim_cur = limit->rlim_max = which == RLIMIT_NOFILE ? (rlim_t)sysconf(_SC_OPEN_MAX) : which == RLIMIT_CORE ? 0 : RLIM_INFINITY;
    return 0;
}

/* A limit is accepted, and has no effect. */
LIBC_WEAK
int setrlimit(int which, const struct rlimit *limit)
{
    return which < 0 || which >= RLIM_NLIMITS || limit->rlim_cur > limit->rlim_max ? fails(EINVAL) : 0;
}

LIBC_WEAK
int prlimit(pid_t pid, int which, const struct rlimit *new, struct rlimit *old)
{
    if (pid != 0 && pid != getpid()) {
        return fails(ESRCH);
    }
    return (old && getrlimit(which, old) < 0) || (new && setrlimit(which, new) < 0) ? -1
           : which < 0 || which >= RLIM_NLIMITS ? fails(EINVAL) : 0;
}

/* ---- Names ---- */

LIBC_WEAK
int gethostname(char *name, size_t size)
{
    struct utsname names;
    size_t length;

    uname(&names);
    length = strlen(names.nodename) + 1;
    memcpy(name, names.nodename, length < size ? length : size);
    return length > size ? fails(ENAMETOOLONG) : 0;
}

LIBC_WEAK
int getdtablesize(void)
{
    return (int)sysconf(_SC_OPEN_MAX);
}

/* SPDX-License-Identifier: MIT */
/* How threads are scheduled. That is the host's business: all threads have the ordinary policy, without a priority, and others
 * are refused as those that a user may not set. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "port/port.h"
#include "fails.h"
#include "weak.h"

static int lowest(int policy)
{
    switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
        return 1;
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return 0;
    default:
        return -1;
    }
}

LIBC_WEAK
int sched_get_priority_min(int policy)
{
    int priority = lowest(policy);

    if (priority < 0) {
        errno = EINVAL;
    }
    return priority;
}

LIBC_WEAK
int sched_get_priority_max(int policy)
{
    int priority = sched_get_priority_min(policy);

    return priority == 1 ? 99 : priority;
}

static int set(int policy, const struct sched_param *param)
{
    int priority = param->sched_priority;

    switch (lowest(policy)) {
    case 0:
        return priority == 0 ? 0 : EINVAL;
    case 1:
        return priority >= 1 && priority <= 99 ? EPERM : EINVAL;
    default:
        return EINVAL;
    }
}

LIBC_WEAK
int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
    (void)thread;
    return set(policy, param);
}

LIBC_WEAK
int pthread_getschedparam(pthread_t thread, int *restrict policy, struct sched_param *restrict param)
{
    (void)thread;
    *policy = SCHED_OTHER;
    *param = (struct sched_param){0};
    return 0;
}

LIBC_WEAK
int pthread_setschedprio(pthread_t thread, int priority)
{
    (void)thread;
    return priority == 0 ? 0 : EINVAL;
}

/* The program is the only process. */
static int is_ours(pid_t pid)
{
    return pid == 0 || pid == getpid() ? 0 : pid < 0 ? EINVAL : ESRCH;
}

static int answer(int error)
{
    return error == 0 ? 0 : fails(error);
}

LIBC_WEAK
int sched_getscheduler(pid_t pid)
{
    return answer(is_ours(pid)) < 0 ? -1 : SCHED_OTHER;
}

LIBC_WEAK
int sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
    int error = is_ours(pid);

    return answer(error ? error : set(policy, param));
}

LIBC_WEAK
int sched_getparam(pid_t pid, struct sched_param *param)
{
    *param = (struct sched_param){ 0 };
    return answer(is_ours(pid));
}

LIBC_WEAK
int sched_setparam(pid_t pid, const struct sched_param *param)
{
    return sched_setscheduler(pid, SCHED_OTHER, param);
}

LIBC_WEAK
int sched_rr_get_interval(pid_t pid, struct timespec *interval)
{
    *interval = (struct timespec){ 0 };
    return answer(is_ours(pid));
}

LIBC_WEAK
int sched_getcpu(void)
{
    return 0;
}

/* A program is told of one processor, as sysconf(_SC_NPROCESSORS_ONLN) does, and cannot choose another one. */
LIBC_WEAK
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    int error = is_ours(pid);

    if (error || size < sizeof(long) || size % sizeof(long) != 0) {
        return answer(error ? error : EINVAL);
    }
    memset(set, 0, size);
    CPU_SET_S(0, size, set);
    return 0;
}

LIBC_WEAK
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
    int error = is_ours(pid);

    return answer(error ? error : size > 0 && CPU_ISSET_S(0, size, set) ? 0 : EINVAL);
}

LIBC_WEAK
int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
    (void)thread;
    return sched_getaffinity(0, size, set) < 0 ? errno : 0;
}

LIBC_WEAK
int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    (void)thread;
    return sched_setaffinity(0, size, set) < 0 ? errno : 0;
}

int __sched_cpucount(size_t size, const cpu_set_t *set);
LIBC_WEAK
int __sched_cpucount(size_t size, const cpu_set_t *set)
{
    const unsigned char *bytes = (const unsigned char *)set;
    int count = 0;

    for (size_t i = 0; i < size; i++) {
        count += __builtin_popcount(bytes[i]);
    }
    return count;
}

/* libc's calls a function of an object that has functions that a program may define itself. */
LIBC_WEAK
int sched_yield(void)
{
    port_pause();
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* What a program can ask about its machine and its limits: sysconf(), pathconf(), uname(), getrlimit(), numbers of processes and users. */
#include "topic.h"
#include <limits.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static void limits(void)
{
    struct rlimit limit;

    SHOW(sysconf(_SC_PAGESIZE) > 0);
    SHOW(sysconf(_SC_NPROCESSORS_ONLN) > 0);
    SHOW(sysconf(_SC_NPROCESSORS_CONF) > 0);
    SHOW(sysconf(_SC_PHYS_PAGES) > 0);
    SHOW(sysconf(_SC_AVPHYS_PAGES) > 0);
    SHOW(sysconf(_SC_OPEN_MAX) > 60);
    SHOW(sysconf(_SC_CLK_TCK));
    SHOW(sysconf(_SC_IOV_MAX));
    SHOW(sysconf(_SC_ARG_MAX) > 4096);
    SHOW(sysconf(_SC_HOST_NAME_MAX) > 0);
    SHOW(sysconf(_SC_LOGIN_NAME_MAX) > 0);
    SHOW(sysconf(_SC_THREADS));
    SHOW(sysconf(_SC_THREAD_KEYS_MAX) >= 128);
    SHOW(sysconf(_SC_THREAD_STACK_MIN) > 0);
    SHOW(sysconf(_SC_MONOTONIC_CLOCK) > 0);
    SHOW(sysconf(_SC_VERSION));
    SHOW(sysconf(_SC_GETPW_R_SIZE_MAX) != 0);
    SHOW(sysconf(-5));
    SHOW(sysconf(10000));
    SHOW(pathconf(".", _PC_NAME_MAX));
    SHOW(pathconf(".", _PC_PATH_MAX));
    SHOW(pathconf(".", _PC_PIPE_BUF));
    SHOW(pathconf(".", 1000));
    SHOW(fpathconf(0, _PC_PIPE_BUF));
    SHOW(confstr(_CS_PATH, NULL, 0) > 0);
    SHOW(getpagesize() == sysconf(_SC_PAGESIZE));
    SHOW(get_nprocs() > 0);
    SHOW(getdtablesize() > 60);
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    SHOW(limit.rlim_cur > 60 && limit.rlim_cur <= limit.rlim_max);
    SHOW(getrlimit(RLIMIT_STACK, &limit));
    SHOW(getrlimit(RLIMIT_CORE, &limit));
    SHOW(getrlimit(RLIMIT_AS, &limit));
    SHOW(getrlimit(77, &limit));
    limit = (struct rlimit){ 5, 4 };
    SHOW(setrlimit(RLIMIT_CORE, &limit));
    SHOW(getpriority(PRIO_PROCESS, 0) >= -20);
    SHOW(getpriority(77, 0));
    SHOW(nice(0) >= -20);
    SHOW(getloadavg((double[3]){ 0 }, 3) >= -1);
}

static void names(void)
{
    struct utsname name;
    char host[256] = "", cut[1] = { 'x' };

    SHOW(uname(&name));
    SHOW(name.sysname[0] != '\0' && name.release[0] != '\0' && name.version[0] != '\0' && name.machine[0] != '\0' && name.nodename[0] != '\0');
    SHOW(gethostname(host, sizeof(host)));
    SHOW(strcmp(host, name.nodename));
    SHOW(gethostname(cut, 1));
    SHOW(getpid() > 0);
    SHOW(getppid() >= 0);
    SHOW(getpgrp() >= 0);
    SHOW(getsid(0) >= 0);
    SHOW(getuid() == geteuid());
    SHOW(getgid() == getegid());
    SHOW(setuid(getuid()));
    SHOW(setgid(getgid()));
    SHOW(getgroups(0, NULL) >= 0);
    SHOW(sched_yield());
    SHOW(sched_getcpu() >= 0);
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_getscheduler(0));
    SHOW(isatty(0));
    printf("errno of isatty = %s\n", errno_name(errno));
    SHOW(ttyname(0) == NULL);
    SHOW(wait(NULL));
    SHOW(waitpid(-1, NULL, WNOHANG));
    SHOW(waitpid(getpid(), NULL, 0));
    SHOW(getlogin_r(host, 0) != 0);
    SHOW(access("/dev/tty-none", F_OK));
    {
        cpu_set_t set;
        SHOW(sched_getaffinity(0, sizeof(set), &set));
        SHOW(CPU_COUNT(&set) > 0);
    }
    {
        printf("getpwuid of nobody = %d\n", getpwuid(123456) == NULL);
        printf("getpwnam of nobody = %d\n", getpwnam("no such user") == NULL);
        printf("getgrgid of nobody = %d\n", getgrgid(123456) == NULL);
    }
}

static void numbers(void)
{
    unsigned seed = 5;
    char state[64], many[257];
    int first, same;

    srand(7);
    first = rand();
    srand(7);
    SHOW(rand() == first && first >= 0 && first <= RAND_MAX);
    same = rand_r(&seed);
    SHOW(same >= 0 && same <= RAND_MAX);
    srandom(7);
    first = (int)random();
    srandom(7);
    SHOW(random() == first);
    SHOW(initstate(1, state, sizeof(state)) != NULL);
    SHOW(setstate(state) != NULL);
    srand48(7);
    printf("drand48 = %.10f\n", drand48());
    printf("lrand48 = %ld\n", lrand48());
    printf("mrand48 = %ld\n", mrand48());
    printf("nrand48 = %ld\n", nrand48((unsigned short[3]){ 1, 2, 3 }));
    SHOW(getentropy(state, 64));
    SHOW(getentropy(many, sizeof(many)));
    SHOW(abs(-5));
    SHOW(div(7, -2).rem);
    SHOW(labs(-5L));
}

static void topic(void)
{
    limits();
    names();
    numbers();
}

/* SPDX-License-Identifier: MIT */
/* Threads: functions of other types than pthread_create()'s, which programs cast; names, policies, pthread_kill() with no signal. */
#include "topic.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>

typedef void *Start(void *);

static int seen;

static void *declared(void *arg)
{
    seen += *(int *)arg;
    return arg;
}

static void no_result(void *arg)
{
    seen += *(int *)arg * 10;
}

static void *no_argument(void)
{
    seen += 100;
    return &seen;
}

static void nothing(void)
{
    seen += 1000;
}

static void *run(void *fn, int arg)
{
    pthread_t thread;
    void *value = NULL;

    if (pthread_create(&thread, NULL, (Start *)fn, &arg) || pthread_join(thread, &value)) {
        printf("there is no thread\n");
    }
    return value == &arg ? "its argument" : value == &seen ? "its own" : "?";
}

static void functions(void)
{
    printf("a function as declared = %s", (char *)run((void *)declared, 1));
    printf("; seen %d\n", seen);
    run((void *)no_result, 2);
    printf("a function without a result = %d\n", seen);
    printf("a function without an argument = %s", (char *)run((void *)no_argument, 3));
    printf("; seen %d\n", seen);
    run((void *)nothing, 4);
    printf("a function without either = %d\n", seen);
}

static void names(void)
{
    pthread_t self = pthread_self();
    char name[16] = "";

    SHOW_ERROR(pthread_setname_np(self, "fifteen letters"));
    SHOW_ERROR(pthread_getname_np(self, name, sizeof(name)));
    printf("name = %s\n", name);
    SHOW_ERROR(pthread_setname_np(self, "sixteen letters."));
    SHOW_ERROR(pthread_getname_np(self, name, sizeof(name)));
    printf("name after one that is too long = %s\n", name);
    SHOW_ERROR(pthread_setname_np(self, ""));
    SHOW_ERROR(pthread_kill(self, 0));
}

static void policies(void)
{
    static const int all[] = { SCHED_OTHER, SCHED_FIFO, SCHED_RR, 99 };
    struct sched_param param;
    int policy = -1;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        printf("priorities of policy %d = %s", all[i], R(sched_get_priority_min(all[i])));
        printf(" to %s\n", R(sched_get_priority_max(all[i])));
    }
    param.sched_priority = 5;
    SHOW_ERROR(pthread_getschedparam(pthread_self(), &policy, &param));
    printf("policy and priority = %d %d\n", policy, param.sched_priority);
    SHOW_ERROR(pthread_setschedparam(pthread_self(), SCHED_OTHER, &param));
    param.sched_priority = 1;
    SHOW_ERROR(pthread_setschedparam(pthread_self(), SCHED_OTHER, &param));
    param.sched_priority = 100;
    SHOW_ERROR(pthread_setschedparam(pthread_self(), SCHED_FIFO, &param));
    SHOW_ERROR(pthread_setschedprio(pthread_self(), 0));
    SHOW_ERROR(pthread_setschedprio(pthread_self(), 1));
}

static void topic(void)
{
    functions();
    names();
    policies();
}

/* SPDX-License-Identifier: MIT */
/* setjmp() and longjmp(), with and without the mask of signals; out of handlers, through several functions, in threads. */
#include "topic.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

static jmp_buf outer, inner;
static sigjmp_buf masked;

static void deep(int depth, int value)
{
    volatile char room[100];

    memset((char *)room, depth, sizeof(room));
    if (depth > 0) {
        deep(depth - 1, value + room[0] - depth);
    } else if (room[0] == 0) {
        longjmp(outer, value);
    }
}

static void values(void)
{
    volatile int times = 0;
    int value = setjmp(outer);

    times++;
    printf("setjmp returned %d, time %d\n", value, times);
    switch (times) {
    case 1: longjmp(outer, 5);
    case 2: longjmp(outer, 0);
    case 3: longjmp(outer, -7);
    case 4: deep(20, 99);
    }
    if (_setjmp(inner) == 0) {
        _longjmp(inner, 3);
    }
    printf("_setjmp = came back\n");
}

static void nested(void)
{
    volatile int step = 0;

    if (setjmp(outer) == 0) {
        for (volatile int i = 0; i < 3; i++) {
            switch (setjmp(inner)) {
            case 0:
                step = step * 10 + 1;
                longjmp(inner, i + 2);
            case 2:
                step = step * 10 + 2;
                break;
            case 3:
                step = step * 10 + 3;
                break;
            default:
                step = step * 10 + 4;
                longjmp(outer, 1);
            }
        }
        step = -1;
    }
    printf("nested = %d\n", step);
}

static int in_qsort(const void *a, const void *b)
{
    if (*(const int *)a == 3 || *(const int *)b == 3) {
        longjmp(outer, 33);
    }
    return *(const int *)a - *(const int *)b;
}

static void through_libc(void)
{
    int numbers[] = { 5, 4, 3, 2, 1 };
    int value = setjmp(outer);

    if (value == 0) {
        qsort(numbers, 5, sizeof(int), in_qsort);
    }
    printf("out of qsort = %d\n", value);
}

static bool blocked(int signal)
{
    sigset_t set;

    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signal);
}

static void jumps_out(int signal)
{
    (void)signal;
    siglongjmp(masked, 8);
}

static void masks(void)
{
    sigset_t set;
    int value;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    value = sigsetjmp(masked, 1);
    printf("sigsetjmp with the mask = %d, blocked %d\n", value, blocked(SIGUSR2));
    if (value == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        siglongjmp(masked, 4);
    }
    value = sigsetjmp(masked, 0);
    printf("sigsetjmp without the mask = %d, blocked %d\n", value, blocked(SIGUSR2));
    if (value == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        siglongjmp(masked, 0);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, jumps_out);
    for (volatile int i = 0; i < 3; i++) {
        value = sigsetjmp(masked, 1);
        if (value == 0) {
            raise(SIGUSR1);
            printf("not reached\n");
        }
        printf("out of a handler = %d, blocked %d\n", value, blocked(SIGUSR1));
    }
}

static void *in_thread(void *arg)
{
    jmp_buf mine;
    volatile int rounds = 0;

    if (setjmp(mine) < 1000) {
        rounds++;
        longjmp(mine, rounds);
    }
    *(int *)arg = rounds;
    return NULL;
}

static void topic(void)
{
    pthread_t threads[4];
    int rounds[4];

    values();
    nested();
    through_libc();
    masks();
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, in_thread, &rounds[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        printf("rounds of a thread = %d\n", rounds[i]);
    }
}

/* SPDX-License-Identifier: MIT */
/* exit() in another thread while main waits: functions of atexit() run there, once, stdio is flushed; destructors do not run. */
#include "topic.h"
#include <pthread.h>

static pthread_key_t key;
static pthread_t exiting;

static void at_exit(void)
{
    printf("atexit in the thread that exits = %d\n", pthread_equal(pthread_self(), exiting) != 0);
}

static void destroy(void *data)
{
    printf("destructor: %s\n", (char *)data);
}

static void *exits(void *arg)
{
    exiting = pthread_self();
    pthread_setspecific(key, "must not be destroyed");
    (void)arg;
    fputs("no end of line = yes", stdout);
    exit(0);
}

static void *waits(void *arg)
{
    char byte;

    if (read(((int *)arg)[0], &byte, 1) != 1) {
        printf("the pipe has ended\n");
    }
    return arg;
}

static void topic(void)
{
    pthread_t thread, waiting;
    int fds[2];

    atexit(at_exit);
    pthread_key_create(&key, destroy);
    pthread_setspecific(key, "of main: must not be destroyed");
    if (pipe(fds)) {
        printf("no pipe\n");
    }
    setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    pthread_create(&waiting, NULL, waits, fds);
    pthread_create(&thread, NULL, exits, NULL);
    pthread_join(thread, NULL);
    printf("not reached\n");
}

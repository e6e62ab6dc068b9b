/* SPDX-License-Identifier: MIT */
/* main() calls pthread_exit(): the program ends when its last thread has ended, with 0; and functions of atexit(). */
#include "topic.h"
#include <pthread.h>

static pthread_t main_thread;
static pthread_key_t key;

static void first(void)
{
    printf("atexit: the first function runs last\n");
}

static void registered_late(void)
{
    printf("atexit: a function that another one has registered\n");
}

static void second(void)
{
    atexit(registered_late);
    printf("atexit: the second function\n");
}

static void destroy(void *data)
{
    printf("destructor: %s\n", (char *)data);
}

static void *last(void *arg)
{
    pthread_setspecific(key, "data of the last thread");
    printf("the last thread\n");
    return arg;
}

static void *joins_main(void *arg)
{
    pthread_t thread;
    void *value;

    printf("join of main = %s\n", errno_name(pthread_join(main_thread, &value)));
    printf("main has left = %s\n", (char *)value);
    pthread_create(&thread, NULL, last, NULL);
    pthread_detach(thread);
    return arg;
}

static void topic(void)
{
    pthread_t thread;

    main_thread = pthread_self();
    SHOW(atexit(first));
    SHOW(atexit(second));
    pthread_key_create(&key, destroy);
    pthread_setspecific(key, "data of main");
    pthread_create(&thread, NULL, joins_main, NULL);
    pthread_detach(thread);
    pthread_exit("its result");
}

/* SPDX-License-Identifier: MIT */
#include "port/port.h"

#include <pthread.h>

typedef struct Start {
    void (*fn)(void *);
    void *arg;
    char name[16];             /* the length that the kernel takes */
} Start;

static void *run(void *opaque)
{
    Start start = *(Start *)opaque;

    free(opaque);
    pthread_setname_np(pthread_self(), start.name);
    start.fn(start.arg);
    return NULL;
}

/* The kernel reports a failure at once, so `refused` is not called. */
int port_thread_start(const char *name, void (*fn)(void *), void *arg,
                      void (*refused)(void *arg))
{
    Start *start = malloc(sizeof(*start));
    pthread_attr_t attr;
    pthread_t thread;

    (void)refused;
    if (!start) {
        return -ENOMEM;
    }
    start->fn = fn;
    start->arg = arg;
    snprintf(start->name, sizeof(start->name), "%.15s", name ? name : "");

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attr, run, start);
    pthread_attr_destroy(&attr);
    if (error) {
        free(start);
    }
    return -error;
}

void port_thread_exit(void *result)
{
    pthread_exit(result);
}

static pthread_key_t at_end_key;
static pthread_once_t at_end_once = PTHREAD_ONCE_INIT;

static void call_at_end(void *fn)
{
    ((void (*)(void))(uintptr_t)fn)();
}

static void make_at_end_key(void)
{
    if (pthread_key_create(&at_end_key, call_at_end)) {
        port_panic("pthread_key_create: no key is left");
    }
}

void port_thread_at_end(void (*fn)(void))
{
    pthread_once(&at_end_once, make_at_end_key);
    pthread_setspecific(at_end_key, (void *)(uintptr_t)fn);
}

void port_thread_on_lost(void (*lost)(void *), void *arg)
{
    (void)lost;
    (void)arg;
}

void port_thread_when_gone(void (*fn)(void *), void *arg)
{
    (void)fn;
    (void)arg;
}

void port_thread_counts_in(uint32_t *counter)
{
    (void)counter;
}

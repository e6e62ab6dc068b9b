/* SPDX-License-Identifier: MIT */
/* Event counters. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fd-calls.h"
#include "weak.h"

/* The counter is never higher. */
#define MOST (UINT64_MAX - 1)

typedef struct EventFd {
    WasmOwn own;
    uint64_t count;
    bool semaphore;
} EventFd;

static int revents(WasmOwn *own, int events)
{
    uint64_t count = qatomic_mb_read(&((EventFd *)own)->count);

    return events & ((count > 0 ? PORT_POLLIN : 0) | (count < MOST ? PORT_POLLOUT : 0));
}

static int take(WasmOwn *own, void *data, size_t size)
{
    EventFd *event = (EventFd *)own;
    uint64_t count = qatomic_mb_read(&event->count), seen, taken;

    if (size < sizeof(count)) {
        return -EINVAL;
    }
    for (;; count = seen) {
        if (count == 0) {
            return -EAGAIN;
        }
        taken = event->semaphore ? 1 : count;
        seen = qatomic_cmpxchg(&event->count, count, count - taken);
        if (seen == count) {
            break;
        }
    }
    memcpy(data, &taken, sizeof(taken));
    wasm_own_wake(own, PORT_POLLOUT);
    return sizeof(taken);
}

static int add(WasmOwn *own, const void *data, size_t size)
{
    EventFd *event = (EventFd *)own;
    uint64_t count = qatomic_mb_read(&event->count), seen, more;

    if (size < sizeof(more)) {
        return -EINVAL;
    }
    memcpy(&more, data, sizeof(more));
    if (more == UINT64_MAX) {
        return -EINVAL;
    }
    for (;; count = seen) {
        if (more > MOST - count) {
            return -EAGAIN;
        }
        seen = qatomic_cmpxchg(&event->count, count, count + more);
        if (seen == count) {
            break;
        }
    }
    wasm_own_wake(own, PORT_POLLIN);
    return sizeof(more);
}

static void release(WasmOwn *own)
{
    free(own);
}

static const WasmOwnOps ops = { .revents = revents, .read = take, .write = add, .release = release };

LIBC_WEAK
int eventfd(unsigned int count, int flags)
{
    EventFd *event;
    int fd;

    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) {
        errno = EINVAL;
        return -1;
    }
    event = calloc(1, sizeof(*event));
    if (!event) {
        errno = ENOMEM;
        return -1;
    }
    event->own.ops = &ops;
    event->count = count;
    event->semaphore = flags & EFD_SEMAPHORE;
    fd = fd_open_own(&event->own, flags);
    if (fd < 0) {
        free(event);
    }
    return fd;
}

LIBC_WEAK
int eventfd_read(int fd, eventfd_t *value)
{
    return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

LIBC_WEAK
int eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

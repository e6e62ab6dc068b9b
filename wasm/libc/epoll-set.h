/* SPDX-License-Identifier: MIT */
#ifndef LIBC_EPOLL_SET_H
#define LIBC_EPOLL_SET_H
/* The set behind an epoll descriptor, which epoll_ctl() (epoll-ctl.c) changes and epoll_wait() (epoll-wait.c) examines. */
#include <sys/epoll.h>

#include "fd-calls.h"
#include "port/wasm-port.h"
#include "qemu/thread.h"

typedef struct EpollItem {
    uint32_t events;
    bool used;
    /* The fd that was added is closed, but another fd of the same file is still open: it is
     * watched in its place, and epoll_ctl() does not know it. */
    bool orphan;
    epoll_data_t data;
} EpollItem;

/* One for each watcher, and used again, because threads that wake it may still have it. */
typedef struct EpollSet {
    WasmOwn own;
    QemuMutex lock;
    /* Under the lock. */
    PortWatcher *watcher;
    PortPollRing *ring;
    EpollItem *items;        /* by fd */
    int n;
    bool open;
} EpollSet;

/* Returns the set that fd stands for, which is held until wasm_own_put(&set->own); NULL with errno
 * EBADF or EINVAL if it stands for none. */
EpollSet *epoll_set_get(int fd);

/* Whether an own descriptor is a set. */
bool epoll_set_is(const WasmOwn *own);

/* The others are called with the set's lock. Returns NULL if fd is not in the set. */
static inline EpollItem *epoll_set_item(EpollSet *set, int fd)
{
    return fd < set->n && set->items[fd].used ? &set->items[fd] : NULL;
}

/* Adds an item. Returns 0 or -errno. */
int epoll_set_add(EpollSet *set, int fd, const EpollItem *item);

/* Removes the item of fd. */
void epoll_set_remove(EpollSet *set, int fd);

/* Waits once for what the item asks for. */
void epoll_set_arm(EpollSet *set, int fd, const EpollItem *item);

#endif

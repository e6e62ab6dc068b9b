/* SPDX-License-Identifier: MIT */
#ifndef WASM_FD_TABLE_H
#define WASM_FD_TABLE_H
#include "port/port.h"

enum { WASM_MAX_FDS = 65536, WASM_MAX_WATCHERS = 416 };
/* The descriptors of WASI are below (ts/src/wasi/shared.ts). */
enum { WASM_FIRST_EVENT_FD = 8192 };

/* What else poll(2) has. Of these only EDGE is ours: a poll that is reported each time that
 * something happens, and not as long as it is so. */
#define PORT_POLLRDHUP 0x2000
#define PORT_POLLEDGE 0x40000000
/* What may be true when an fd has changed in any way. */
#define PORT_POLLANY \
    (PORT_POLLIN | PORT_POLLOUT | PORT_POLLERR | PORT_POLLHUP | PORT_POLLRDHUP)

typedef enum {
    WATCHER_NONE,          /* it has been freed */
    WATCHER_LOOP,
    WATCHER_POLL,          /* a thread in poll(): fd-poll.c */
    WATCHER_EPOLL,         /* an epoll set: wasm/libc/epoll-set.c */
} WatcherKind;

struct PortWatcher {
    uint32_t place[PORT_WATCHER_PLACE / sizeof(uint32_t)]
        __attribute__((aligned(64)));
    int32_t notifier_fd;     /* -1: it has been freed */
    uint32_t id;             /* its index in the table of all watchers */
    uint32_t in_use;
    uint32_t kind;           /* WatcherKind */
    uint32_t users;          /* threads that are waking it: fd_wake() */
};
_Static_assert(sizeof(PortWatcher) == 64, "one cache line");

/* Returns which of the events are true of fd now, or PORT_POLLNVAL if there is no such
 * fd. */
int wasm_fd_revents(int fd, int events);
/* Returns the watcher's table entry for this kind; NULL and *error as port_watcher_new(). */
PortWatcher *wasm_watcher_new(WatcherKind kind, int notifier_fd, int *error);
/* Returns true if fd may become ready at a certain time, and not because a thread does
 * something. */
bool wasm_fd_is_timed(int fd);
/* Returns the next loop that exists, by its watcher; after NULL comes the first. NULL: there is none. */
const PortWatcher *wasm_next_loop(const PortWatcher *watcher);
/* Returns the lowest fd from `fd` on that it watches; -1: there is none. */
int wasm_next_watched(const PortWatcher *watcher, int fd);
/* What is known of events and timers that the program may not contain. */
typedef struct WasmFdHooks {
    /* Reports the timers that are due. Returns when the next one will be. */
    int64_t (*timers_due)(void);
    /* An fd of this epoll set has become ready. */
    void (*epoll_ready)(uint32_t watcher_id);
    /* fd is about to be closed. */
    void (*epoll_closing)(int fd);
    void (*locks_closing)(int fd);
} WasmFdHooks;
extern WasmFdHooks wasm_fd_hooks;
/* Returns how long a thread may sleep that has this much time: until the next timer. */
int64_t wasm_until_timer(int64_t timeout_ns);

/* ---- The library's own descriptors: fd-own.c ---- */

/*
 * What an fd of the library itself stands for, an "open file description": an event counter, a
 * timer, an epoll set. WASI's table of descriptors only keeps its numbers. Several fds may stand for
 * the same one (dup).
 */
typedef struct WasmOwn WasmOwn;
typedef struct WasmOwnOps {
    /* Returns which of the events are true now. */
    int (*revents)(WasmOwn *own, int events);
    /* As read(2) and write(2); return -errno, and -EAGAIN where they would have to wait. NULL:
     * EINVAL. */
    int (*read)(WasmOwn *own, void *data, size_t size);
    int (*write)(WasmOwn *own, const void *data, size_t size);
    /* Frees it: it has no fd any more, and nobody uses it. */
    void (*release)(WasmOwn *own);
    bool timed;              /* see wasm_fd_is_timed() */
} WasmOwnOps;
struct WasmOwn {
    const WasmOwnOps *ops;
    uint32_t refs;           /* fds, and calls that use it; under the lock of the table */
    uint32_t fds;            /* of these, the fds */
    int32_t fd;              /* the fd, if it has exactly one */
    uint32_t nonblock;
    uint32_t changed;        /* a futex; counts what may have made it ready */
    uint32_t sleepers;       /* threads that wait on `changed` */
};

/* Opens the lowest free fd for it, or returns -errno. The caller has filled in ops and nonblock. */
int wasm_own_open(WasmOwn *own);
/* Returns what the library's own fd stands for, until wasm_own_put(). NULL: it is no such fd. */
WasmOwn *wasm_own_get(int fd);
/* Returns false if it is about to be released. */
bool wasm_own_ref(WasmOwn *own);
void wasm_own_put(WasmOwn *own);
/* It may have become ready: wakes those that watch any of its fds. */
void wasm_own_wake(WasmOwn *own, int events);
/* Sleeps until `changed` is no longer `seen`; returns false when the time is over. */
bool wasm_own_sleep(WasmOwn *own, uint32_t seen, int64_t timeout_ns);
/* Makes another fd: the lowest free one from minimum on, or `to`, if that is not negative. */
int wasm_fd_dup(int fd, int minimum, int to);
/* Called before WASI closes fd: nobody watches it any more. */
void wasm_fd_closing(int fd);
/* Returns another fd of what fd stands for, or a negative number. */
int wasm_fd_alias(int fd);

/* fd-poll.c. As poll(2), for any thread that may wait; fds may be negative. Returns -errno. */
int wasm_fd_poll(PortPollFd *fds, unsigned nfds, int64_t timeout_ns);

/* Called after wasm_event_arm() returned true: sleeps until the event is set or the time
 * is over. */
void wasm_event_sleep(int fd, int64_t timeout_ns);

/* Some of the events may be true of a descriptor of WASI now. Called in the thread that made
 * it so. */
void wasm_fd_ready(int fd, int events);
/* Called when a thread was lost, perhaps between making an fd ready and reporting it.
 * Owner only. */
void wasm_fds_look_again(void);

/* poll-ring.c. Called when some of the events may have become true of fd, and the loop of this
 * watcher may have a poll armed for it. */
void wasm_poll_complete(uint32_t watcher_id, int fd, int events);
/* Returns true if a poll that was reported, or will be, is ready; forgets those that are not. */
bool wasm_poll_ring_ready(PortPollRing *ring);

#endif

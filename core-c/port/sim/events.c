/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: the only kind is an event, a flag. As in WebAssembly, who sets one tells the loops that watch it, and a
 * loop sleeps on its own notifier only.
 */
#include "port/sim/machine.h"

enum { EVENTS = 64, WATCHERS = 32, FIRST_FD = 100 };

struct PortWatcher {
    char place[PORT_WATCHER_PLACE] __attribute__((aligned(64)));
    uint32_t open;
    uint32_t users;             /* threads that are waking it */
};

typedef struct Event {
    uint32_t open;
    uint32_t flag;
    uint32_t watchers;          /* a bit for each */
} Event;

/* These belong to the simulated program: each run begins with new ones. */
static Event events[EVENTS];
static PortWatcher watchers[WATCHERS];

static Event *event_of(int fd)
{
    unsigned n = (unsigned)(fd - FIRST_FD);

    return n < EVENTS && qatomic_read(&events[n].open) ? &events[n] : NULL;
}

__attribute__((no_sanitize("thread"))) bool sim_event_is_set(int fd)
{
    unsigned n = (unsigned)(fd - FIRST_FD);

    return n < EVENTS && events[n].open && events[n].flag;
}

int port_event_open(void)
{
    for (int n = 0; n < EVENTS; n++) {
        if (!qatomic_cmpxchg(&events[n].open, 0, 1)) {
            qatomic_mb_set(&events[n].flag, 0);
            return FIRST_FD + n;
        }
    }
    return -EMFILE;
}

void port_event_close(int fd)
{
    Event *event = event_of(fd);

    if (!event) {
        sim_fail("port_event_close(%d): not open", fd);
    }
    qatomic_mb_set(&event->watchers, 0);
    qatomic_mb_set(&event->open, 0);
}

/* As in WebAssembly: a watcher does not change hands while somebody wakes it. */
static void wake(PortWatcher *watcher)
{
    qatomic_inc(&watcher->users);
    if (qatomic_mb_read(&watcher->open)) {
        port_watcher_ready(watcher->place);
    }
    qatomic_dec(&watcher->users);
}

int port_event_set(int fd)
{
    Event *event = event_of(fd);
    uint32_t watching;

    if (!event) {
        return -EBADF;
    }
    if (qatomic_xchg(&event->flag, 1)) {
        return 0;
    }
    port_futex_wake(&event->flag, UINT32_MAX);
    watching = qatomic_mb_read(&event->watchers);
    for (unsigned n = 0; n < WATCHERS; n++) {
        if (watching >> n & 1) {
            wake(&watchers[n]);
        }
    }
    return 0;
}

int port_event_clear(int fd)
{
    Event *event = event_of(fd);

    return event && qatomic_mb_read(&event->flag) ? (int)qatomic_xchg(&event->flag, 0) : 0;
}

PortWatcher *port_watcher_new(int notifier_fd, int *error)
{
    (void)notifier_fd;
    for (unsigned n = 0; n < WATCHERS; n++) {
        if (!qatomic_cmpxchg(&watchers[n].open, 0, 1)) {
            return &watchers[n];
        }
    }
    *error = -EMFILE;
    return NULL;
}

void port_watcher_free(PortWatcher *watcher)
{
    uint32_t bit = 1u << (watcher - watchers);

    for (int n = 0; n < EVENTS; n++) {
        qatomic_and(&events[n].watchers, ~bit);
    }
    qatomic_mb_set(&watcher->open, 0);
    while (qatomic_mb_read(&watcher->users)) {
        port_pause();
    }
}

void *port_watcher_place(PortWatcher *watcher)
{
    return watcher->place;
}

int port_fd_watch(int fd, PortWatcher *watcher, bool on)
{
    Event *event = event_of(fd);
    uint32_t bit = 1u << (watcher - watchers);

    if (!event) {
        return on ? -EBADF : 0;
    }
    if (on) {
        qatomic_or(&event->watchers, bit);
    } else {
        qatomic_and(&event->watchers, ~bit);
    }
    return 0;
}

/* An event can always be written to. */
static unsigned look(PortPollFd *fds, unsigned nfds)
{
    unsigned ready = 0;

    for (unsigned n = 0; n < nfds; n++) {
        const Event *event = event_of(fds[n].fd);

        if (fds[n].fd < 0) {
            fds[n].revents = 0;
        } else if (!event) {
            fds[n].revents = PORT_POLLNVAL;
        } else {
            fds[n].revents = (short)(fds[n].events & (PORT_POLLOUT | (qatomic_mb_read(&event->flag) ? PORT_POLLIN : 0)));
        }
        ready += fds[n].revents != 0;
    }
    return ready;
}

int port_fd_poll(PortPollFd *fds, unsigned nfds, int notifier_fd, int64_t timeout_ns)
{
    unsigned ready = look(fds, nfds);
    Event *notifier;

    if (ready || timeout_ns == 0) {
        return (int)ready;
    }
    notifier = event_of(notifier_fd);
    if (!notifier) {
        sim_fail("port_fd_poll: the notifier %d is not open", notifier_fd);
    }
    sim_self->polls = notifier_fd;
    port_futex_wait(&notifier->flag, 0, timeout_ns);
    sim_self->polls = 0;
    return (int)look(fds, nfds);
}

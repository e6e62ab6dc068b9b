/* SPDX-License-Identifier: MIT */
#ifndef WASM_FD_TABLE_H
#define WASM_FD_TABLE_H
#include "port/port.h"

enum { WASM_MAX_FDS = 65536, WASM_MAX_WATCHERS = 256 };

struct PortWatcher {
    uint32_t place[PORT_WATCHER_PLACE / sizeof(uint32_t)]
        __attribute__((aligned(64)));
    int32_t notifier_fd;     /* -1: it has been freed */
    uint32_t id;             /* its index in the table of all watchers */
    uint32_t in_use;
};
_Static_assert(sizeof(PortWatcher) == 64, "one cache line");

/* Returns which of the events are true of fd now, or PORT_POLLNVAL if there is no such
 * fd. */
int wasm_fd_revents(int fd, int events);
/* Called after wasm_event_arm() returned true: sleeps until the event is set or the time
 * is over. */
void wasm_event_sleep(int fd, int64_t timeout_ns);

/* A descriptor of WASI has become ready, or may have. Called in the thread that made it
 * so. */
void wasm_fd_ready(int fd);
/* Called when a thread was lost, perhaps between making an fd ready and reporting it.
 * Owner only. */
void wasm_fds_look_again(void);

/* poll-ring.c. Called when fd became ready, and the loop of this watcher may have a poll
 * armed for it. */
void wasm_poll_complete(uint32_t watcher_id, int fd);

#endif

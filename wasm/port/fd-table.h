/* SPDX-License-Identifier: MIT */
#ifndef WASM_FD_TABLE_H
#define WASM_FD_TABLE_H
#include "port/port.h"

enum { WASM_MAX_FDS = 65536, WASM_MAX_WATCHERS = 256 };

struct PortWatcher {
    uint32_t place[PORT_WATCHER_PLACE / sizeof(uint32_t)]
        __attribute__((aligned(64)));
    int32_t notifier_fd;     /* -1: it has been freed */
    uint32_t id;             /* its index in the table of all */
    uint32_t in_use;
};
_Static_assert(sizeof(PortWatcher) == 64, "one cache line");

/* Which of the events are true of fd now; PORT_POLLNVAL if there is no such. */
int wasm_fd_revents(int fd, int events);
/* After wasm_event_arm was true: sleeps until the event is set or the time is
 * over. */
void wasm_event_sleep(int fd, int64_t timeout_ns);

/* One of WASI's descriptors became ready, or may have: called in the thread that made it
 * so. */
void wasm_fd_ready(int fd);
/* Owner: a thread was lost, perhaps between making an fd ready and telling of it. */
void wasm_fds_look_again(void);

/* poll-ring.c: fd became ready, and this watcher's loop may have a poll armed for it. */
void wasm_poll_complete(uint32_t watcher_id, int fd);

#endif

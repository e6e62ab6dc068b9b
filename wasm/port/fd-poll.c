/* SPDX-License-Identifier: MIT */
/* poll(2) of a thread: it watches the fds as a loop does, only as long as it sleeps. */
#include "fd-table.h"
#include "wasm-port.h"

static int scan(PortPollFd *fds, unsigned n)
{
    int ready = 0;

    for (unsigned i = 0; i < n; i++) {
        fds[i].revents = fds[i].fd < 0 ? 0
                         : (short)wasm_fd_revents(fds[i].fd, fds[i].events);
        ready += fds[i].revents != 0;
    }
    return ready;
}

/* Returns true if one of them may become ready at a certain time. */
static bool watch(PortPollFd *fds, unsigned n, PortWatcher *watcher, bool on)
{
    bool timed = false;

    for (unsigned i = 0; i < n; i++) {
        if (fds[i].fd >= 0) {
            port_fd_watch(fds[i].fd, watcher, on);
            timed |= on && wasm_fd_is_timed(fds[i].fd);
        }
    }
    return timed;
}

int wasm_fd_poll(PortPollFd *fds, unsigned nfds, int64_t timeout_ns)
{
    WasmThread *self = wasm_thread_self();
    int64_t end, left = timeout_ns;
    uint32_t *word;
    int ready = scan(fds, nfds), error;
    bool timed;

    if (ready || timeout_ns == 0) {
        return ready;
    }
    if (!self->may_wait) {
        return -EAGAIN;
    }
    if (!self->poller &&
        !(self->poller = wasm_watcher_new(WATCHER_POLL, -1, &error))) {
        return -ENOMEM;
    }
    word = port_watcher_place(self->poller);
    end = port_clock_ns(PORT_CLOCK_MONOTONIC);
    end = timeout_ns < 0 || timeout_ns > INT64_MAX - end ? INT64_MAX : end + timeout_ns;
    timed = watch(fds, nfds, self->poller, true);
    for (;;) {
        uint32_t seen = qatomic_mb_read(word);

        ready = scan(fds, nfds);
        if (ready || left == 0) {
            break;
        }
        port_futex_wait(word, seen, timed ? wasm_until_timer(left) : left);
        left = end == INT64_MAX ? -1 : MAX(end - port_clock_ns(PORT_CLOCK_MONOTONIC), 0);
    }
    watch(fds, nfds, self->poller, false);
    return ready;
}

/* SPDX-License-Identifier: MIT */
/*
 * The fds of the machine: objects in shared memory. Each has a bit set of the loops
 * that watch it. Adding, removing and waking are lock-free, allocate nothing, and
 * leave no list that another thread may be walking.
 */
#include "fd-object.h"
#include "port/calls.h"
#include "wasm-port.h"

enum { MAX_FDS = WASM_MAX_FDS, CHUNK = FD_CHUNK, FIRST_FD = WASM_FIRST_EVENT_FD };

FdObject *fd_chunks[MAX_FDS / CHUNK];
static uint32_t table_lock;
static int lowest_free = FIRST_FD;        /* under table_lock: no lower fd is free */

static PortWatcher watchers[MAX_WATCHERS];
WasmFdHooks wasm_fd_hooks;

FdObject *fd_get(int fd)
{
    FdObject *chunk;

    if ((unsigned)fd >= MAX_FDS ||
        !(chunk = qatomic_load_acquire(&fd_chunks[fd / CHUNK])) ||
        qatomic_read(&chunk[fd % CHUNK].kind) == FD_FREE) {
        return NULL;
    }
    return &chunk[fd % CHUNK];
}

/* Opening and closing are rare, and the time of the section is bounded by the size
 * of the table. */
void fd_lock_table(void)
{
    port_thread_holds(1);
    for (unsigned turn = 0; qatomic_xchg(&table_lock, 1); turn++) {
        port_spin(turn);
    }
}

void fd_unlock_table(void)
{
    qatomic_mb_set(&table_lock, 0);
    port_thread_holds(-1);
}

/* Opens the lowest fd that is free, as open(2) does. */
static int open_event(void)
{
    /* Allocated before the lock is taken, in case the table must grow. */
    FdObject *spare = NULL;
    int fd;

    fd_lock_table();
    for (fd = lowest_free; fd < MAX_FDS; fd++) {
        if (!fd_chunks[fd / CHUNK]) {
            if (!spare) {
                fd_unlock_table();
                spare = aligned_alloc(64, CHUNK * sizeof(*spare));
                if (!spare) {
                    return -ENOMEM;
                }
                __builtin_memset(spare, 0, CHUNK * sizeof(*spare));
                fd_lock_table();
                fd = lowest_free - 1;
                continue;
            }
            qatomic_store_release(&fd_chunks[fd / CHUNK], spare);
            spare = NULL;
        }
        if (fd_chunks[fd / CHUNK][fd % CHUNK].kind == FD_FREE) {
            break;
        }
    }
    if (fd < MAX_FDS) {
        FdObject *object = &fd_chunks[fd / CHUNK][fd % CHUNK];
        object->word = EVENT_CLEAR;
        qatomic_mb_set(&object->kind, FD_EVENT);
        lowest_free = fd + 1;
    } else {
        fd = -EMFILE;
    }
    fd_unlock_table();
    free(spare);
    return fd;
}

void fd_free(FdObject *object)
{
    for (int i = 0; i < WATCHER_WORDS; i++) {
        qatomic_mb_set(&object->watchers[i], 0);
    }
    qatomic_set(&object->timed, 0);
    qatomic_mb_set(&object->kind, FD_FREE);
}

static void close_fd(int fd)
{
    FdObject *object = fd_get(fd);

    if (!object) {
        return;
    }
    fd_lock_table();
    fd_free(object);
    lowest_free = MIN(lowest_free, fd);
    fd_unlock_table();
}

/* ---- Watching ---- */

PortWatcher *wasm_watcher_new(WatcherKind kind, int notifier_fd, int *error)
{
    for (uint32_t i = 0; i < MAX_WATCHERS; i++) {
        PortWatcher *watcher = &watchers[i];
        if (qatomic_cmpxchg(&watcher->in_use, 0, 1) == 0) {
            watcher->id = i;
            qatomic_mb_set(&watcher->notifier_fd, notifier_fd);
            qatomic_mb_set(&watcher->kind, kind);
            return watcher;
        }
    }
    *error = -EMFILE;
    return NULL;
}

PortWatcher *port_watcher_new(int notifier_fd, int *error)
{
    return wasm_watcher_new(WATCHER_LOOP, notifier_fd, error);
}

void port_watcher_free(PortWatcher *watcher)
{
    /* Pairs with wake(): either it sees this, or we see that it has entered. */
    qatomic_mb_set(&watcher->kind, WATCHER_NONE);
    for (unsigned turn = 0; qatomic_mb_read(&watcher->users); turn++) {
        port_spin(turn);
    }
    qatomic_mb_set(&watcher->notifier_fd, -1);
    qatomic_mb_set(&watcher->in_use, 0);
}

void *port_watcher_place(PortWatcher *watcher)
{
    return watcher->place;
}

/* Makes the object of a descriptor of WASI, which is closed like that and then used again. */
FdObject *fd_make(int fd, FdKind kind)
{
    FdObject *spare = NULL;

    if (!qatomic_load_acquire(&fd_chunks[fd / CHUNK])) {
        spare = aligned_alloc(64, CHUNK * sizeof(*spare));
        if (!spare) {
            return NULL;
        }
        __builtin_memset(spare, 0, CHUNK * sizeof(*spare));
    }
    fd_lock_table();
    if (!fd_chunks[fd / CHUNK]) {
        qatomic_store_release(&fd_chunks[fd / CHUNK], spare);
        spare = NULL;
    }
    if (fd_chunks[fd / CHUNK][fd % CHUNK].kind == FD_FREE) {
        qatomic_mb_set(&fd_chunks[fd / CHUNK][fd % CHUNK].kind, kind);
    }
    fd_unlock_table();
    free(spare);
    return &fd_chunks[fd / CHUNK][fd % CHUNK];
}

int port_fd_watch(int fd, PortWatcher *watcher, bool on)
{
    FdObject *object = fd_get(fd);
    uint32_t bit = 1u << (watcher->id % 32);

    if (fd >= 0 && fd < FIRST_FD && !(object && object->kind == FD_OWN)) {
        int ret = on ? host_fd_watch(fd) : 0;
        if (ret < 0) {
            return ret;
        }
        object = object || !on ? object : fd_make(fd, FD_HOST);
        if (on && !object) {
            return -ENOMEM;
        }
    }
    if (!object) {
        return -EBADF;
    }
    if (on && object->kind == FD_OWN && wasm_fd_is_timed(fd)) {
        FdObject *notifier = fd_get(watcher->notifier_fd);
        if (notifier) {
            qatomic_set(&notifier->timed, 1);
        }
    }
    /* Pairs with fd_wake. Either the producer sees the bit, or the loop, which
     * looks at the fd after this, sees what was produced. */
    if (on) {
        qatomic_or(&object->watchers[watcher->id / 32], bit);
    } else {
        qatomic_and(&object->watchers[watcher->id / 32], ~bit);
    }
    return 0;
}

/* Tells a watcher that was found on an fd. It may be another one's by now, which is then woken in
 * vain; but while we are in here it does not change hands. */
static void wake(PortWatcher *watcher, uint32_t id, int fd, int events)
{
    WatcherKind kind;

    port_thread_holds(1);
    qatomic_inc(&watcher->users);
    kind = qatomic_mb_read(&watcher->kind);
    if (kind == WATCHER_LOOP || kind == WATCHER_EPOLL) {
        /* Completed before the loop is notified. */
        wasm_poll_complete(id, fd, events);
    }
    if (kind == WATCHER_LOOP) {
        port_watcher_ready(watcher->place);
    } else if (kind == WATCHER_POLL) {
        qatomic_inc(&watcher->place[0]);
        port_notify32(&watcher->place[0], UINT32_MAX);
    } else if (kind == WATCHER_EPOLL) {
        CALL_OWN(wasm_fd_hooks.epoll_ready, id);
    }
    qatomic_dec(&watcher->users);
    port_thread_holds(-1);
}

void fd_wake(FdObject *object, int fd, int events)
{
    for (int i = 0; i < WATCHER_WORDS; i++) {
        uint32_t bits = qatomic_mb_read(&object->watchers[i]);
        for (; bits; bits &= bits - 1) {
            uint32_t id = 32 * i + (uint32_t)__builtin_ctz(bits);
            wake(&watchers[id], id, fd, events);
        }
    }
}

void wasm_fd_ready(int fd, int events)
{
    FdObject *object = fd_get(fd);

    if (object) {
        fd_wake(object, fd, events);
    }
}

/* Reports again what is ready, which is harmless, and notifies every loop. That
 * includes loops that JavaScript drives: no thread has their word in waiting_on. */
void wasm_fds_look_again(void)
{
    for (int fd = 0; fd < MAX_FDS; fd++) {
        FdObject *object;
        if (!qatomic_load_acquire(&fd_chunks[fd / CHUNK])) {
            fd += CHUNK - 1;
            continue;
        }
        object = fd_get(fd);
        if (object && (object->kind != FD_EVENT ||
                       qatomic_mb_read(&object->word) == EVENT_SET)) {
            fd_wake(object, fd, PORT_POLLANY);
        }
    }
    for (uint32_t i = 0; i < MAX_WATCHERS; i++) {
        PortWatcher *watcher = &watchers[i];
        FdObject *object = fd_get(qatomic_read(&watcher->notifier_fd));
        if (qatomic_read(&watcher->in_use) && object &&
            qatomic_read(&watcher->kind) == WATCHER_LOOP) {
            port_watcher_ready(watcher->place);
            port_notify32(&object->word, UINT32_MAX);
        }
    }
}

const PortWatcher *wasm_next_loop(const PortWatcher *watcher)
{
    for (uint32_t i = watcher ? watcher->id + 1 : 0; i < MAX_WATCHERS; i++) {
        if (qatomic_read(&watchers[i].in_use) &&
            qatomic_read(&watchers[i].kind) == WATCHER_LOOP) {
            return &watchers[i];
        }
    }
    return NULL;
}

int wasm_next_watched(const PortWatcher *watcher, int fd)
{
    uint32_t bit = 1u << (watcher->id % 32);

    for (; fd < MAX_FDS; fd++) {
        FdObject *chunk = qatomic_load_acquire(&fd_chunks[fd / CHUNK]);

        if (!chunk) {
            fd |= CHUNK - 1;
        } else if (qatomic_read(&chunk[fd % CHUNK].watchers[watcher->id / 32]) & bit) {
            return fd;
        }
    }
    return -1;
}

/* ---- Polling ---- */

int64_t wasm_until_timer(int64_t timeout_ns)
{
    int64_t due, left;

    if (!wasm_fd_hooks.timers_due ||
        (due = CALL_OWN(wasm_fd_hooks.timers_due)) == INT64_MAX) {
        return timeout_ns;
    }
    left = MAX(due - port_clock_ns(PORT_CLOCK_MONOTONIC), 0);
    return timeout_ns < 0 ? left : MIN(left, timeout_ns);
}

int wasm_fd_revents(int fd, int events)
{
    FdObject *object = fd_get(fd);
    int revents = PORT_POLLOUT;      /* an event can always be set again */

    if (fd >= 0 && fd < FIRST_FD) {
        int found = object && object->kind == FD_OWN ? fd_own_revents(fd, events)
                                                     : host_fd_revents(fd, events);
        return found < 0 ? PORT_POLLNVAL : found;
    }
    if (!object) {
        return PORT_POLLNVAL;
    }
    if (qatomic_mb_read(&object->word) == EVENT_SET) {
        revents |= PORT_POLLIN;
    }
    return revents & events;
}

static int scan(PortPollFd *fds, unsigned nfds)
{
    int ready = 0;

    for (unsigned i = 0; i < nfds; i++) {
        fds[i].revents = (short)wasm_fd_revents(fds[i].fd, fds[i].events);
        ready += fds[i].revents != 0;
    }
    return ready;
}

uint32_t *wasm_event_word(int fd)
{
    return &fd_get(fd)->word;
}

bool wasm_event_arm(int fd)
{
    return qatomic_cmpxchg(wasm_event_word(fd), EVENT_CLEAR, EVENT_SLEEPING) !=
           EVENT_SET;
}

void wasm_event_sleep(int fd, int64_t timeout_ns)
{
    FdObject *object = fd_get(fd);
    uint32_t *word = &object->word;

    if (qatomic_read(&object->timed)) {
        timeout_ns = wasm_until_timer(timeout_ns);
    }
    port_futex_wait(word, EVENT_SLEEPING, timeout_ns);
    if (qatomic_read(&object->timed)) {
        wasm_until_timer(0);
    }
    qatomic_cmpxchg(word, EVENT_SLEEPING, EVENT_CLEAR);
}

/* Everything that becomes ready notifies the loop, so it is enough to sleep on its
 * notifier. */
int port_fd_poll(PortPollFd *fds, unsigned nfds, int notifier_fd,
                 int64_t timeout_ns)
{
    int ready = scan(fds, nfds);

    if (ready || timeout_ns == 0) {
        return ready;
    }
    if (wasm_event_arm(notifier_fd)) {
        wasm_event_sleep(notifier_fd, timeout_ns);
    }
    return scan(fds, nfds);
}

/* ---- Events ---- */

int port_event_open(void)
{
    return open_event();
}

void port_event_close(int fd)
{
    close_fd(fd);
}

int port_event_set(int fd)
{
    FdObject *object = fd_get(fd);
    uint32_t old;

    if (!object) {
        return -EBADF;
    }
    old = qatomic_xchg(&object->word, EVENT_SET);
    /* Only a loop's own notifier has a sleeper, and nobody else watches it. If the
     * event was set already, its watchers have been woken. */
    if (old == EVENT_SLEEPING) {
        port_notify32(&object->word, 1);
    } else if (old == EVENT_CLEAR) {
        fd_wake(object, fd, PORT_POLLIN);
    }
    return 0;
}

int port_event_clear(int fd)
{
    FdObject *object = fd_get(fd);

    return object &&
           qatomic_cmpxchg(&object->word, EVENT_SET, EVENT_CLEAR) == EVENT_SET;
}

/* SPDX-License-Identifier: MIT */
/*
 * The fds of the machine: objects in shared memory. Each has a bit set of the loops
 * that watch it. Adding, removing and waking are lock-free, allocate nothing, and
 * leave no list that another thread may be walking.
 */
#include "fd-table.h"
#include "wasm-port.h"

enum { MAX_WATCHERS = WASM_MAX_WATCHERS, WATCHER_WORDS = MAX_WATCHERS / 32 };
/* The descriptors of WASI are below (ts/src/wasi/shared.ts). */
enum { MAX_FDS = WASM_MAX_FDS, CHUNK = 1024, FIRST_FD = 8192 };

/* FD_HOST: a descriptor of WASI, which JavaScript knows. */
typedef enum { FD_FREE, FD_EVENT, FD_HOST } FdKind;

typedef struct FdObject {
    uint32_t kind;
    uint32_t word;                        /* FD_EVENT: EVENT_... */
    uint32_t watchers[WATCHER_WORDS];
    uint32_t unused[6];
} FdObject;
_Static_assert(sizeof(FdObject) == 64, "one cache line");

static FdObject *chunks[MAX_FDS / CHUNK];
static uint32_t table_lock;
static int lowest_free = FIRST_FD;        /* under table_lock: no lower fd is free */

static PortWatcher watchers[MAX_WATCHERS];

static FdObject *get_fd(int fd)
{
    FdObject *chunk;

    if ((unsigned)fd >= MAX_FDS ||
        !(chunk = qatomic_load_acquire(&chunks[fd / CHUNK])) ||
        qatomic_read(&chunk[fd % CHUNK].kind) == FD_FREE) {
        return NULL;
    }
    return &chunk[fd % CHUNK];
}

/* Opening and closing are rare, and the time of the section is bounded by the size
 * of the table. */
static void lock_table(void)
{
    port_thread_holds(1);
    for (unsigned turn = 0; qatomic_xchg(&table_lock, 1); turn++) {
        port_spin(turn);
    }
}

static void unlock_table(void)
{
    qatomic_mb_set(&table_lock, 0);
    port_thread_holds(-1);
}

/* Opens the lowest fd that is free, as open(2) does. */
static int open_fd(FdKind kind, uint32_t word)
{
    /* Allocated before the lock is taken, in case the table must grow. */
    FdObject *spare = NULL;
    int fd;

    lock_table();
    for (fd = lowest_free; fd < MAX_FDS; fd++) {
        if (!chunks[fd / CHUNK]) {
            if (!spare) {
                unlock_table();
                spare = aligned_alloc(64, CHUNK * sizeof(*spare));
                if (!spare) {
                    return -ENOMEM;
                }
                __builtin_memset(spare, 0, CHUNK * sizeof(*spare));
                lock_table();
                fd = lowest_free - 1;
                continue;
            }
            qatomic_store_release(&chunks[fd / CHUNK], spare);
            spare = NULL;
        }
        if (chunks[fd / CHUNK][fd % CHUNK].kind == FD_FREE) {
            break;
        }
    }
    if (fd < MAX_FDS) {
        FdObject *object = &chunks[fd / CHUNK][fd % CHUNK];
        object->word = word;
        qatomic_mb_set(&object->kind, kind);
        lowest_free = fd + 1;
    } else {
        fd = -EMFILE;
    }
    unlock_table();
    free(spare);
    return fd;
}

static void close_fd(int fd)
{
    FdObject *object = get_fd(fd);

    if (!object) {
        return;
    }
    lock_table();
    for (int i = 0; i < WATCHER_WORDS; i++) {
        qatomic_mb_set(&object->watchers[i], 0);
    }
    qatomic_mb_set(&object->kind, FD_FREE);
    lowest_free = MIN(lowest_free, fd);
    unlock_table();
}

/* ---- Watching ---- */

PortWatcher *port_watcher_new(int notifier_fd, int *error)
{
    for (uint32_t i = 0; i < MAX_WATCHERS; i++) {
        PortWatcher *watcher = &watchers[i];
        if (qatomic_cmpxchg(&watcher->in_use, 0, 1) == 0) {
            watcher->id = i;
            qatomic_mb_set(&watcher->notifier_fd, notifier_fd);
            return watcher;
        }
    }
    *error = -EMFILE;
    return NULL;
}

void port_watcher_free(PortWatcher *watcher)
{
    qatomic_mb_set(&watcher->notifier_fd, -1);
    qatomic_mb_set(&watcher->in_use, 0);
}

void *port_watcher_place(PortWatcher *watcher)
{
    return watcher->place;
}

/* Returns the object of a descriptor of WASI, made when it is first watched. It
 * holds only the watchers and is never freed. */
static FdObject *get_host_fd(int fd)
{
    FdObject *spare = NULL;

    if (!qatomic_load_acquire(&chunks[fd / CHUNK])) {
        spare = aligned_alloc(64, CHUNK * sizeof(*spare));
        if (!spare) {
            return NULL;
        }
        __builtin_memset(spare, 0, CHUNK * sizeof(*spare));
    }
    lock_table();
    if (!chunks[fd / CHUNK]) {
        qatomic_store_release(&chunks[fd / CHUNK], spare);
        spare = NULL;
    }
    qatomic_mb_set(&chunks[fd / CHUNK][fd % CHUNK].kind, FD_HOST);
    unlock_table();
    free(spare);
    return &chunks[fd / CHUNK][fd % CHUNK];
}

int port_fd_watch(int fd, PortWatcher *watcher, bool on)
{
    FdObject *object = get_fd(fd);
    uint32_t bit = 1u << (watcher->id % 32);

    if (fd >= 0 && fd < FIRST_FD) {
        int ret = on ? host_fd_watch(fd) : 0;
        if (ret < 0) {
            return ret;
        }
        object = object || !on ? object : get_host_fd(fd);
        if (on && !object) {
            return -ENOMEM;
        }
    }
    if (!object) {
        return -EBADF;
    }
    /* Pairs with wake_watchers. Either the producer sees the bit, or the loop, which
     * looks at the fd after this, sees what was produced. */
    if (on) {
        qatomic_or(&object->watchers[watcher->id / 32], bit);
    } else {
        qatomic_and(&object->watchers[watcher->id / 32], ~bit);
    }
    return 0;
}

static void wake_watchers(FdObject *object, int fd)
{
    for (int i = 0; i < WATCHER_WORDS; i++) {
        uint32_t bits = qatomic_mb_read(&object->watchers[i]);
        for (; bits; bits &= bits - 1) {
            uint32_t id = 32 * i + (uint32_t)__builtin_ctz(bits);
            wasm_poll_complete(id, fd);  /* completed before the loop is notified */
            port_watcher_ready(watchers[id].place);
        }
    }
}

void wasm_fd_ready(int fd)
{
    FdObject *object = get_fd(fd);

    if (object) {
        wake_watchers(object, fd);
    }
}

/* Reports again what is ready, which is harmless, and notifies every loop. That
 * includes loops that JavaScript drives: no thread has their word in waiting_on. */
void wasm_fds_look_again(void)
{
    for (int fd = 0; fd < MAX_FDS; fd++) {
        FdObject *object;
        if (!qatomic_load_acquire(&chunks[fd / CHUNK])) {
            fd += CHUNK - 1;
            continue;
        }
        object = get_fd(fd);
        if (object && (object->kind == FD_HOST ||
                       qatomic_mb_read(&object->word) == EVENT_SET)) {
            wake_watchers(object, fd);
        }
    }
    for (uint32_t i = 0; i < MAX_WATCHERS; i++) {
        PortWatcher *watcher = &watchers[i];
        FdObject *object = get_fd(qatomic_read(&watcher->notifier_fd));
        if (qatomic_read(&watcher->in_use) && object) {
            port_watcher_ready(watcher->place);
            port_notify32(&object->word, UINT32_MAX);
        }
    }
}

/* ---- Polling ---- */

int wasm_fd_revents(int fd, int events)
{
    FdObject *object = get_fd(fd);
    int revents = PORT_POLLOUT;      /* an event can always be set again */

    if (fd >= 0 && fd < FIRST_FD) {
        return host_fd_revents(fd, events);
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
    return &get_fd(fd)->word;
}

bool wasm_event_arm(int fd)
{
    return qatomic_cmpxchg(wasm_event_word(fd), EVENT_CLEAR, EVENT_SLEEPING) !=
           EVENT_SET;
}

void wasm_event_sleep(int fd, int64_t timeout_ns)
{
    uint32_t *word = wasm_event_word(fd);

    port_futex_wait(word, EVENT_SLEEPING, timeout_ns);
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
    return open_fd(FD_EVENT, EVENT_CLEAR);
}

void port_event_close(int fd)
{
    close_fd(fd);
}

int port_event_set(int fd)
{
    FdObject *object = get_fd(fd);
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
        wake_watchers(object, fd);
    }
    return 0;
}

int port_event_clear(int fd)
{
    FdObject *object = get_fd(fd);

    return object &&
           qatomic_cmpxchg(&object->word, EVENT_SET, EVENT_CLEAR) == EVENT_SET;
}

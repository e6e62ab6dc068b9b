/* SPDX-License-Identifier: MIT */
/* The library's own descriptors, and what dup(2) and close(2) do to the table of fds. */
#include "fd-object.h"
#include "port/calls.h"
#include "wasm-port.h"

/* Returns the lowest own fd from `from` on that stands for own, or -1. */
static int find(const WasmOwn *own, int from)
{
    for (int fd = from; fd < WASM_FIRST_EVENT_FD; fd++) {
        FdObject *chunk = qatomic_load_acquire(&fd_chunks[fd / FD_CHUNK]);
        if (!chunk) {
            fd += FD_CHUNK - 1 - fd % FD_CHUNK;
        } else if (qatomic_read(&chunk[fd % FD_CHUNK].own) == own) {
            return fd;
        }
    }
    return -1;
}

/* fd, which WASI has reserved, stands for own from now on. */
static int add_fd(WasmOwn *own, int fd)
{
    FdObject *object = fd_make(fd, FD_OWN);

    if (!object) {
        return -ENOMEM;
    }
    fd_lock_table();
    object->kind = FD_OWN;
    qatomic_mb_set(&object->own, own);
    own->refs++;
    own->fds++;
    qatomic_set(&own->fd, own->fds == 1 ? fd : -1);
    fd_unlock_table();
    return fd;
}

int wasm_own_open(WasmOwn *own)
{
    int fd = host_fd_call(HOST_FD_RESERVE, 0, 0, 0);
    int ret;

    if (fd < 0) {
        return fd;
    }
    ret = add_fd(own, fd);
    if (ret < 0) {
        wasi_fd_close(fd);
    }
    return ret;
}

WasmOwn *wasm_own_get(int fd)
{
    FdObject *object = fd >= 0 && fd < WASM_FIRST_EVENT_FD ? fd_get(fd) : NULL;
    WasmOwn *own = NULL;

    if (object && qatomic_read(&object->kind) == FD_OWN) {
        fd_lock_table();
        own = object->own;
        if (own) {
            own->refs++;
        }
        fd_unlock_table();
    }
    return own;
}

bool wasm_own_ref(WasmOwn *own)
{
    bool alive;

    fd_lock_table();
    alive = own->refs > 0;
    own->refs += alive;
    fd_unlock_table();
    return alive;
}

void wasm_own_put(WasmOwn *own)
{
    bool last;

    fd_lock_table();
    last = --own->refs == 0;
    fd_unlock_table();
    if (last) {
        CALL_OWN(own->ops->release, own);
    }
}

int fd_own_revents(int fd, int events)
{
    WasmOwn *own = wasm_own_get(fd);
    int revents;

    if (!own) {
        return PORT_POLLNVAL;
    }
    revents = CALL_OWN(own->ops->revents, own, events);
    wasm_own_put(own);
    return revents & (events | PORT_POLLERR | PORT_POLLHUP);
}

bool wasm_fd_is_timed(int fd)
{
    WasmOwn *own = wasm_own_get(fd);
    bool timed = own && own->ops->timed;

    if (own) {
        wasm_own_put(own);
    }
    return timed;
}

void wasm_own_wake(WasmOwn *own, int events)
{
    int fd = qatomic_read(&own->fd);

    /* Pairs with wasm_own_sleep. Either this sees the sleeper, or that sees the change. */
    qatomic_inc(&own->changed);
    if (qatomic_mb_read(&own->sleepers)) {
        port_notify32(&own->changed, UINT32_MAX);
    }
    for (fd = fd < 0 ? find(own, 0) : fd; fd >= 0; fd = find(own, fd + 1)) {
        FdObject *object = fd_get(fd);
        if (object) {
            fd_wake(object, fd, events);
        }
        if (qatomic_read(&own->fds) == 1) {
            break;
        }
    }
}

bool wasm_own_sleep(WasmOwn *own, uint32_t seen, int64_t timeout_ns)
{
    int ret;

    qatomic_inc(&own->sleepers);
    port_thread_counts_in(&own->sleepers);
    ret = port_futex_wait(&own->changed, seen, timeout_ns);
    port_thread_counts_in(NULL);
    qatomic_dec(&own->sleepers);
    return ret != -ETIMEDOUT;
}

/* ---- dup and close ---- */

static bool is_open(int fd)
{
    return fd >= 0 && fd < WASM_FIRST_EVENT_FD && wasm_fd_revents(fd, 0) != PORT_POLLNVAL;
}

int wasm_fd_dup(int fd, int minimum, int to)
{
    WasmOwn *own;
    int made;

    if (!is_open(fd)) {
        return -EBADF;
    }
    if (fd == to) {
        return fd;
    }
    own = wasm_own_get(fd);
    if (to >= 0) {
        wasm_fd_closing(to);
    }
    made = host_fd_call(HOST_FD_DUP, fd, minimum, to);
    if (own) {
        if (made >= 0) {
            int ret = add_fd(own, made);
            if (ret < 0) {
                wasi_fd_close(made);
                made = ret;
            }
        }
        wasm_own_put(own);
    }
    return made;
}

int wasm_fd_alias(int fd)
{
    WasmOwn *own = wasm_own_get(fd);
    int alias;

    if (!own) {
        return host_fd_call(HOST_FD_ALIAS, fd, 0, 0);
    }
    alias = find(own, 0);
    if (alias == fd) {
        alias = find(own, fd + 1);
    }
    wasm_own_put(own);
    return alias;
}

void wasm_fd_closing(int fd)
{
    FdObject *object;
    WasmOwn *own;

    if (wasm_fd_hooks.locks_closing) {
        CALL_OWN(wasm_fd_hooks.locks_closing, fd);
    }
    if (fd < 0 || fd >= WASM_FIRST_EVENT_FD || !(object = fd_get(fd))) {
        return;
    }
    if (wasm_fd_hooks.epoll_closing) {
        CALL_OWN(wasm_fd_hooks.epoll_closing, fd);
    }
    fd_lock_table();
    own = object->own;
    qatomic_set(&object->own, NULL);
    fd_free(object);
    if (own) {
        own->fds--;
        qatomic_set(&own->fd, own->fds == 1 ? find(own, 0) : -1);
    }
    fd_unlock_table();
    if (own) {
        wasm_own_put(own);
    }
}

/* SPDX-License-Identifier: MIT */
/* epoll_ctl(), and how sets may contain each other. */
#include "epoll-set.h"
#include "fails.h"
#include "wasi.h"
#include "weak.h"

/* How deep sets may contain each other. */
enum { MAX_NESTS = 4 };

/* Held while sets are put into each other, so that they never form a circle. */
static QemuMutex nesting;

/* Returns how deep sets are nested in set, or more than MAX_NESTS if `sought` is among them. */
static int depth_of(EpollSet *set, const EpollSet *sought, int so_far)
{
    int deepest = so_far;

    if (set == sought || so_far > MAX_NESTS) {
        return MAX_NESTS + 1;
    }
    qemu_mutex_lock(&set->lock);
    for (int fd = 0; fd < set->n; fd++) {
        WasmOwn *own = set->items[fd].used ? wasm_own_get(fd) : NULL;
        if (own) {
            if (epoll_set_is(own)) {
                deepest = MAX(deepest, depth_of((EpollSet *)own, sought, so_far + 1));
            }
            wasm_own_put(own);
        }
    }
    qemu_mutex_unlock(&set->lock);
    return deepest;
}

/* Returns -EPERM for files and directories, which are always ready. */
static int can_watch(int fd)
{
    WasmOwn *own = wasm_own_get(fd);
    __wasi_fdstat_t stat;

    if (own) {
        wasm_own_put(own);
        return 0;
    }
    if (__wasi_fd_fdstat_get(fd, &stat) == 0 &&
        (stat.fs_filetype == __WASI_FILETYPE_REGULAR_FILE ||
         stat.fs_filetype == __WASI_FILETYPE_DIRECTORY)) {
        return -EPERM;
    }
    return 0;
}

static int change(EpollSet *set, int op, int fd, const struct epoll_event *event)
{
    EpollItem *item = epoll_set_item(set, fd), made;

    if (item && item->orphan) {
        item = NULL;
    }
    if (op == EPOLL_CTL_ADD ? item != NULL : item == NULL) {
        return op == EPOLL_CTL_ADD ? -EEXIST : -ENOENT;
    }
    if (op == EPOLL_CTL_DEL) {
        epoll_set_remove(set, fd);
        return 0;
    }
    made = (EpollItem){ .events = event->events, .used = true, .data = event->data };
    if (op == EPOLL_CTL_MOD) {
        if (item->events & EPOLLEXCLUSIVE) {
            return -EINVAL;
        }
        *item = made;
        epoll_set_arm(set, fd, &made);
        return 0;
    }
    return epoll_set_add(set, fd, &made);
}

static int control(EpollSet *set, WasmOwn *target, int op, int fd, const struct epoll_event *event)
{
    bool nests = target && epoll_set_is(target);
    int ret;

    if (op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD || nests ||
         event->events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |
                           EPOLLEXCLUSIVE))) {
        return -EINVAL;
    }
    if (op != EPOLL_CTL_ADD || !nests) {
        qemu_mutex_lock(&set->lock);
        ret = change(set, op, fd, event);
        qemu_mutex_unlock(&set->lock);
        return ret;
    }
    qemu_mutex_lock(&nesting);
    ret = depth_of((EpollSet *)target, set, 1) > MAX_NESTS ? -ELOOP : 0;
    if (ret == 0) {
        qemu_mutex_lock(&set->lock);
        ret = change(set, op, fd, event);
        qemu_mutex_unlock(&set->lock);
    }
    qemu_mutex_unlock(&nesting);
    return ret;
}

LIBC_WEAK
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    bool known = op == EPOLL_CTL_ADD || op == EPOLL_CTL_MOD || op == EPOLL_CTL_DEL;
    EpollSet *set;
    WasmOwn *target;
    int ret;

    if (op != EPOLL_CTL_DEL && !event) {
        return fails(EFAULT);
    }
    if (wasm_fd_revents(epfd, 0) == PORT_POLLNVAL || wasm_fd_revents(fd, 0) == PORT_POLLNVAL) {
        return fails(EBADF);
    }
    if (can_watch(fd) < 0) {
        return fails(EPERM);
    }
    set = epoll_set_get(epfd);
    if (!set) {
        return -1;
    }
    target = wasm_own_get(fd);
    ret = !known || &set->own == target ? -EINVAL : control(set, target, op, fd, event);
    if (ret == 0 && op != EPOLL_CTL_DEL) {
        /* It may be ready already, or be ready at a certain time. */
        wasm_own_wake(&set->own, PORT_POLLIN);
    }
    if (target) {
        wasm_own_put(target);
    }
    wasm_own_put(&set->own);
    return ret < 0 ? fails(-ret) : 0;
}

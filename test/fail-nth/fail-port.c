/* SPDX-License-Identifier: MIT */
/*
 * The other kinds, where the library asks the machine: natively the calls of libc and of the kernel, in WebAssembly the functions of the
 * port, whose own calls go to JavaScript (run.mjs makes those fail). What is called like a request's end is the port's in both.
 */
#include "fail.h"
#include "port/port-io.h"

static bool fails(FailKind kind, int error)
{
    if (fail_now(kind)) {
        errno = error;
        return true;
    }
    return false;
}

/* ---- FAIL_THREAD_LATE ---- */

typedef int ThreadStart(const char *name, void (*fn)(void *), void *arg, void (*refused)(void *arg));
ThreadStart __real_aio_priv_port_thread_start, __wrap_aio_priv_port_thread_start;

/* A thread that never comes: another one tells so. Its arguments are there until then. */
int __wrap_aio_priv_port_thread_start(const char *name, void (*fn)(void *), void *arg,
                                      void (*refused)(void *arg))
{
#if defined(__wasm__)
    if (fails(FAIL_THREAD, EAGAIN)) {
        return -EAGAIN;
    }
#endif
    if (refused && fail_now(FAIL_THREAD_LATE)) {
        return __real_aio_priv_port_thread_start(name, refused, arg, NULL);
    }
    return __real_aio_priv_port_thread_start(name, fn, arg, refused);
}

/* ---- FAIL_IO and FAIL_BUSY: handing over, and what has come of it ---- */

typedef int QueueSubmit(PortQueue *queue, PortIo **ios, unsigned n);
typedef unsigned QueueReap(PortQueue *queue, PortIo **ios, unsigned n);
QueueSubmit __real_aio_priv_port_queue_submit, __wrap_aio_priv_port_queue_submit;
QueueReap __real_aio_priv_port_queue_reap, __wrap_aio_priv_port_queue_reap;

int __wrap_aio_priv_port_queue_submit(PortQueue *queue, PortIo **ios, unsigned n)
{
    if (fail_now(FAIL_IO)) {
        return -EIO;
    }
    return fail_now(FAIL_BUSY) ? -EAGAIN : __real_aio_priv_port_queue_submit(queue, ios, n);
}

unsigned __wrap_aio_priv_port_queue_reap(PortQueue *queue, PortIo **ios, unsigned n)
{
    unsigned count = __real_aio_priv_port_queue_reap(queue, ios, n);

    for (unsigned i = 0; i < count; i++) {
        if (fail_now(FAIL_IO)) {
            ios[i]->result = -EIO;
        } else if (fail_now(FAIL_BUSY)) {
            ios[i]->result = -EAGAIN;
        }
    }
    return count;
}

#if defined(__wasm__)

/* ---- FAIL_FD ---- */

int __real_aio_priv_port_event_open(void);
int __wrap_aio_priv_port_event_open(void);
PortWatcher *__real_aio_priv_port_watcher_new(int notifier_fd, int *error);
PortWatcher *__wrap_aio_priv_port_watcher_new(int notifier_fd, int *error);

int __wrap_aio_priv_port_event_open(void)
{
    return fail_now(FAIL_FD) ? -EMFILE : __real_aio_priv_port_event_open();
}

PortWatcher *__wrap_aio_priv_port_watcher_new(int notifier_fd, int *error)
{
    if (fail_now(FAIL_FD)) {
        *error = -EMFILE;
        return NULL;
    }
    return __real_aio_priv_port_watcher_new(notifier_fd, error);
}

/* ---- FAIL_IO: an operation ---- */

int __real_aio_priv_port_io_run(PortIo *io);
int __wrap_aio_priv_port_io_run(PortIo *io);

int __wrap_aio_priv_port_io_run(PortIo *io)
{
    if (fail_now(FAIL_IO)) {
        return -EIO;
    }
    return fail_now(FAIL_BUSY) ? -EAGAIN : __real_aio_priv_port_io_run(io);
}

#else

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

/* ---- FAIL_THREAD ---- */

typedef int ThreadCreate(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
ThreadCreate __real_pthread_create, __wrap_pthread_create;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg)
{
    return fail_now(FAIL_THREAD) ? EAGAIN : __real_pthread_create(thread, attr, fn, arg);
}

/* ---- FAIL_FD ---- */

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

int __wrap_eventfd(unsigned count, int flags)
{
    return fails(FAIL_FD, EMFILE) ? -1 : __real_eventfd(count, flags);
}

int __wrap_epoll_create1(int flags)
{
    return fails(FAIL_FD, EMFILE) ? -1 : __real_epoll_create1(flags);
}

/* Kernel AIO and io_uring have no functions of libc. */
long __wrap_syscall(long number, ...)
{
    long arg[6];
    va_list args;

    if ((number == SYS_io_setup || number == SYS_io_uring_setup || number == SYS_io_uring_register) &&
        fails(FAIL_FD, EMFILE)) {
        return -1;
    }
    va_start(args, number);
    for (int i = 0; i < 6; i++) {
        arg[i] = va_arg(args, long);
    }
    va_end(args);
    return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* ---- FAIL_IO: an operation ---- */

typedef ssize_t Transfer(int fd, const struct iovec *iov, int niov, off_t offset);
Transfer __real_preadv, __wrap_preadv, __real_pwritev, __wrap_pwritev;
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static bool operation_fails(void)
{
    return fails(FAIL_IO, EIO) || fails(FAIL_BUSY, EAGAIN);
}

ssize_t __wrap_preadv(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return operation_fails() ? -1 : __real_preadv(fd, iov, niov, offset);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int niov, off_t offset)
{
    return operation_fails() ? -1 : __real_pwritev(fd, iov, niov, offset);
}

int __wrap_fdatasync(int fd)
{
    return operation_fails() ? -1 : __real_fdatasync(fd);
}

#endif

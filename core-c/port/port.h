/* SPDX-License-Identifier: MIT */
#ifndef PORT_H
#define PORT_H
/*
 * The whole contract between the loop and the machine. core-c knows no other
 * door: a port is a folder that defines these functions.
 *
 * Unless said otherwise any thread may call, and failures are -errno.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"

/* ---- Failing ---- */

/* A broken contract: says so and ends the program (in WebAssembly: the
 * runtime). The message names the object. panic.c, for all ports. */
QEMU_NORETURN void port_panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* The port's: how that ends, with its message. */
QEMU_NORETURN void port_fail(const char *message);

/*
 * `call` would block, in a thread that may not wait: refuses by that name and
 * does not return. To be called before anything is changed.
 */
QEMU_NORETURN void port_would_block(const char *call);

/* ---- Time ---- */

typedef enum { PORT_CLOCK_MONOTONIC, PORT_CLOCK_REALTIME } PortClock;
/* ns. The monotonic clock is one for all threads: deadlines cross threads. */
int64_t port_clock_ns(PortClock clock);

/* ---- Sleeping on a word ---- */

/* False in a thread that must never block (it owns the JavaScript event loop
 * that everybody else depends on); such a thread spins where it needs a lock. */
bool port_may_wait(void);
/*
 * Sleeps while *word == expected, at most timeout_ns (negative: for ever).
 * 0: woken, perhaps for nothing; -EAGAIN: it was not equal; -ETIMEDOUT.
 * Panics in a thread that may not wait.
 */
int port_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);
void port_futex_wake(uint32_t *word, uint32_t count);
/* One turn of a spinning loop. */
void port_pause(void);
/*
 * One turn, counted from 0, of a loop that spins until another thread has left a
 * short section. A port in which that thread may have been lost without anybody
 * hearing of it panics when this takes too long.
 */
void port_spin(unsigned turn);

/* ---- Threads ---- */

/*
 * Starts fn(arg) in a new detached thread. -EAGAIN at the limit. With `refused`
 * it does not wait for a start that takes time: should that fail in the end,
 * refused(arg) is called, in another thread.
 */
int port_thread_start(const char *name, void (*fn)(void *), void *arg,
                      void (*refused)(void *arg));
/* Ends the calling thread, as if its fn had returned. */
QEMU_NORETURN void port_thread_exit(void);
/* Calls fn() in this thread when it ends, although port_thread_start did not start it.
 * Called again: fn takes the place of the one before. */
void port_thread_at_end(void (*fn)(void));
/* If this thread is lost, fn(arg) is called in another thread when it has really ended, to
 * free what it alone has used. Called again: takes the place of the call before. */
void port_thread_when_gone(void (*fn)(void *), void *arg);
/*
 * Counts (+1, -1) what this thread has begun and others rely on: a lock that it
 * holds, an object that it has claimed and not published yet. If a thread is lost
 * while its count is 0, nothing that others see is half-done; otherwise all is
 * lost. So the count is raised before the first step and lowered after the last;
 * it is 0 while the thread waits for a lock. docs/decisions/0023 lists what is
 * counted, and what need not be.
 */
static inline void port_thread_holds(int change);
/*
 * If this thread ends unasked, lost(arg) is called in another thread. If it ends
 * before its first call of this function, another thread begins it anew. NULL:
 * no longer.
 */
void port_thread_on_lost(void (*lost)(void *), void *arg);
/*
 * If this thread ends unasked, *counter is lowered by one: it has counted itself
 * there while it waits. One at a time; NULL: no longer.
 */
void port_thread_counts_in(uint32_t *counter);

/* ---- Coroutines ---- */

/*
 * The port gives a coroutine its stacks and switches to them. What else a Coroutine is,
 * only the coroutine library knows (core-c/coroutine).
 */

/* A coroutine of so many bytes, which are zero, and its stacks, of the sizes that are set.
 * NULL: out of memory. Freed by any thread while nobody is on its stack. */
Coroutine *port_coroutine_new(size_t size);
void port_coroutine_free(Coroutine *co);
/* Whether its stacks have the sizes that are set by now. */
bool port_coroutine_fits(Coroutine *co);
/* Bytes; 0: the default. frames: where a port keeps these apart. */
void port_coroutine_set_size(size_t stack, size_t frames);
/*
 * Runs entry(arg) on co's stack, or resumes it where it has yielded (then with the same
 * entry and arg), in any thread. from: the coroutine that does so; NULL: plain code.
 * True: it has yielded; false: the entry has returned, and co may be entered anew.
 */
bool port_coroutine_enter(Coroutine *co, Coroutine *from,
                          void (*entry)(void *arg), void *arg);
/* Back to who entered the coroutine that runs. The port defines this function of
 * qemu/coroutine.h: one of the library between it and its caller would be a frame to put aside. */
void qemu_coroutine_yield(void);
/* Counts (+1, -1) the calling thread's frames that a coroutine cannot yield
 * across. For port/calls.h. */
static inline void port_coroutine_fence(int change);

/* The coroutine that runs in this thread; NULL: plain code. Set by whoever calls
 * port_coroutine_enter, before and after. coroutine.c, for all ports */
extern _Thread_local Coroutine *port_coroutine_current;
/* For the ports: qemu_coroutine_yield was called in plain code. Panics. coroutine.c */
QEMU_NORETURN void port_coroutine_yields_to_no_one(void);
/* Defined by the coroutine library. The port calls it for its messages. */
const char *coroutine_name(const Coroutine *co);

/* ---- Counters ---- */

/* Adds to a counter that one thread writes, or several where it does not matter that one
 * of them is lost. Any thread may read it. */
static inline void port_count_add(uint64_t *counter, uint64_t n);

/* ---- File descriptors ---- */

/*
 * What an fd knows of a loop that watches it. It has a place of so many bytes for the
 * loop's own words, which the port does not look at: aligned for a uint64_t, and in a
 * cache line that nothing else uses, because any thread may write it. The memory of a
 * watcher stays a watcher for ever, so that a thread which found it on an fd may touch it
 * although the loop is gone by now; a new watcher may have in its place what its last user
 * has left there.
 */
enum { PORT_WATCHER_PLACE = 40 };
typedef struct PortWatcher PortWatcher;

/* notifier_fd: what the loop sleeps on (port_event_open). NULL and *error = -errno if the
 * machine has no more. */
PortWatcher *port_watcher_new(int notifier_fd, int *error);
void port_watcher_free(PortWatcher *watcher);
void *port_watcher_place(PortWatcher *watcher);
/* From now on (on) or no longer (!on), fd's becoming ready calls
 * port_watcher_ready(place). Calling it twice does no harm. -EBADF: no such fd;
 * -EPERM: an fd that is always ready and cannot be watched. */
int port_fd_watch(int fd, PortWatcher *watcher, bool on);
/* Defined by whoever uses watchers (sync/wakeup.c). The port calls it in the thread that
 * made an fd ready. */
void port_watcher_ready(void *place);

#define PORT_POLLIN 0x001
#define PORT_POLLOUT 0x004
#define PORT_POLLERR 0x008
#define PORT_POLLHUP 0x010
#define PORT_POLLNVAL 0x020
typedef struct PortPollFd {
    int fd;
    short events;
    short revents;
} PortPollFd;
/*
 * Fills in revents and returns how many are not 0. If none is, sleeps until one
 * may be, at most timeout_ns (negative: for ever, 0: not at all); fds contains
 * the sleeping loop's own notifier, notifier_fd (-1 if timeout_ns is 0). May
 * return 0 early. -EINTR is returned as 0.
 */
int port_fd_poll(PortPollFd *fds, unsigned nfds, int notifier_fd,
                 int64_t timeout_ns);

/*
 * A set of fds of which the ready ones are found without looking at the others.
 * It belongs to one loop; update may be called by any thread while the loop's
 * lock keeps others out, wait by the loop's home thread.
 */
typedef struct PortReadySet PortReadySet;
/* NULL: this machine has none. */
PortReadySet *port_ready_new(PortWatcher *watcher);
void port_ready_free(PortReadySet *set);
/* Watches fd for events; 0: no longer. -EPERM and others: it cannot be watched. */
int port_ready_update(PortReadySet *set, int fd, int events);
/* As port_fd_poll, but fills `ready` with what is, at most n of them. */
int port_ready_wait(PortReadySet *set, PortPollFd *ready, unsigned n,
                    int notifier_fd, int64_t timeout_ns);
/* An fd that is readable while one of the set is ready. */
int port_ready_fd(PortReadySet *set);

/*
 * One-shot polls through a ring: a poll that was armed is reported once when its
 * fd is ready, and has then to be armed again. All calls are the home thread's.
 */
typedef struct PortPollRing PortPollRing;
/* NULL and *error = -errno: this machine has none, or refuses. */
PortPollRing *port_poll_ring_new(PortWatcher *watcher, int *error);
void port_poll_ring_free(PortPollRing *ring);
/* Any thread, before fd's first poll: makes room for it. False: out of memory. */
bool port_poll_ring_reserve(PortPollRing *ring, int fd);
/* Arms fd's poll, for these events from now on; 0: withdraws it. */
void port_poll_ring_arm(PortPollRing *ring, int fd, int events);
/* Arms again, for the same events, each poll that wait has reported since the last
 * call. */
void port_poll_ring_rearm(PortPollRing *ring);
/* Whether wait has something to report: a look at memory, once the polls that were
 * armed since the last look are handed over. */
bool port_poll_ring_pending(PortPollRing *ring);
/* An fd that is readable while a poll is done that was handed over. Where there is none:
 * the loop's notifier, which the loop sees to in port_watcher_ready. */
int port_poll_ring_fd(PortPollRing *ring);
/* As port_ready_wait, but what it reports is not armed any longer. */
int port_poll_ring_wait(PortPollRing *ring, PortPollFd *ready, unsigned n,
                        int64_t timeout_ns);

/* An fd that is a flag: readable while it is set. */
int port_event_open(void);
void port_event_close(int fd);
/* Lock-free, signal-safe. */
int port_event_set(int fd);
/* 1 if it was set, else 0. */
int port_event_clear(int fd);

/* The port's: the inline functions that are declared above. */
#include "port-inline.h"

#endif

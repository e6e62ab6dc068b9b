/* SPDX-License-Identifier: MIT */
#ifndef PORT_H
#define PORT_H
/*
 * The whole contract between the core and the machine: a port is a folder that defines these
 * functions.
 *
 * Unless a comment says otherwise, any thread may call them, and they return -errno on failure.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"

/* ---- Failing ---- */

/* Reports a broken contract and ends the program (in WebAssembly: the runtime). The message names
 * the object. Defined in panic.c for all ports. */
QEMU_NORETURN void port_panic(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* Ends the program with a message, as the port does it. */
QEMU_NORETURN void port_fail(const char *message);

/* Refuses a call that would block, in a thread that may not wait, with the name of the call; does
 * not return. Called before anything is changed. */
QEMU_NORETURN void port_would_block(const char *call);

/* ---- Time ---- */

typedef enum { PORT_CLOCK_MONOTONIC, PORT_CLOCK_REALTIME } PortClock;
/* Returns the time in nanoseconds. All threads share one monotonic clock, since deadlines cross
 * threads. */
int64_t port_clock_ns(PortClock clock);

/* ---- Sleeping on a word ---- */

/* Returns false in a thread that must never block, because it owns the JavaScript event loop that
 * all others depend on. Such a thread spins where it needs a lock. */
bool port_may_wait(void);
/*
 * Sleeps while *word == expected, at most timeout_ns nanoseconds (negative: for ever). Returns 0
 * if it was woken, perhaps spuriously, -EAGAIN if *word was not equal, or -ETIMEDOUT. Panics in a
 * thread that may not wait.
 */
int port_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns);
/* Wakes at most count threads that sleep on the word, those that have slept longest first:
 * a thread that goes to sleep just after a signal does not take it from one that slept before. */
void port_futex_wake(uint32_t *word, uint32_t count);
/* Pauses for one turn of a spinning loop. */
void port_pause(void);
/*
 * Pauses for one turn, counted from 0, of a loop that spins until another thread has left a short
 * section. In a port where that thread may have been lost without anybody hearing of it, panics
 * when this takes too long.
 */
void port_spin(unsigned turn);

/* ---- Threads ---- */

/*
 * Starts fn(arg) in a new detached thread. Returns -EAGAIN at the limit of threads. If refused is
 * not NULL, the call does not wait for a start that takes time: should the start fail later,
 * refused(arg) is called, in another thread.
 */
int port_thread_start(const char *name, void (*fn)(void *), void *arg,
                      void (*refused)(void *arg));
/* Ends the calling thread as if its fn had returned. Whoever joins a thread that port_thread_start() did not start gets
 * result. */
QEMU_NORETURN void port_thread_exit(void *result);
/* Makes the calling thread, which port_thread_start() did not start, call fn() when it ends. A
 * further call replaces fn. */
void port_thread_at_end(void (*fn)(void));
/* If this thread is lost, fn(arg) is called in another thread once it has really ended, to free
 * what only it has used. A further call replaces the one before. */
void port_thread_when_gone(void (*fn)(void *), void *arg);
/*
 * Counts (+1, -1) what this thread has begun and others rely on: a lock that it holds, or an
 * object that it has claimed and not published yet. If a thread is lost while its count is 0,
 * nothing that others see is half-done; otherwise the whole runtime is lost. The count is raised
 * before the first step and lowered after the last. It is 0 while the thread waits for a lock.
 * docs/decisions/0023 lists what is counted and what need not be.
 */
static inline void port_thread_holds(int change);
/*
 * If this thread ends unexpectedly, lost(arg) is called in another thread. If it ends before its
 * first call of this function, another thread runs its work from the beginning. NULL: nothing is
 * called any more.
 */
void port_thread_on_lost(void (*lost)(void *), void *arg);
/* If this thread ends unexpectedly, *counter is lowered by one, because the thread has counted
 * itself there while it waits. One counter at a time; NULL: none any more. */
void port_thread_counts_in(uint32_t *counter);

/* ---- Coroutines ---- */

/* The port gives a coroutine its stacks and switches between them. Only the coroutine library
 * (core-c/coroutine) knows the rest of a Coroutine. */

/* Allocates a coroutine of size bytes, zeroed, and its stacks, of the sizes that are set. Returns
 * NULL if there is no memory. Any thread may free it while nobody is on its stack. */
Coroutine *port_coroutine_new(size_t size);
void port_coroutine_free(Coroutine *co);
/* Returns true if its stacks have the sizes that are set now. */
bool port_coroutine_fits(Coroutine *co);
/* Sets the sizes in bytes (0: the default); frames is for a port that keeps frames separately. */
void port_coroutine_set_size(size_t stack, size_t frames);
/*
 * Runs entry(arg) on co's stack, or resumes co where it has yielded (then with the same entry and
 * arg), in any thread. from is the coroutine that does so, or NULL. Returns true if co has
 * yielded; false if the entry has returned, and co may be entered again.
 */
bool port_coroutine_enter(Coroutine *co, Coroutine *from,
                          void (*entry)(void *arg), void *arg);
/* Returns to the code that entered the running coroutine. The port defines this function of
 * qemu/coroutine.h itself: a function of the library between it and its caller would be a frame to
 * suspend. */
void qemu_coroutine_yield(void);
/* Counts (+1, -1) the frames of the calling thread that a coroutine cannot yield across. Used by
 * port/calls.h. */
static inline void port_coroutine_fence(int change);

/* The coroutine that runs in this thread, or NULL. Set by the caller of port_coroutine_enter(),
 * before and after. Defined in coroutine.c for all ports. */
extern _Thread_local Coroutine *port_coroutine_current;
/* Panics because qemu_coroutine_yield() was called outside a coroutine. Defined in coroutine.c for
 * all ports. */
QEMU_NORETURN void port_coroutine_yields_to_no_one(void);
/* Returns the name of a coroutine, for messages of the port. Defined by the coroutine library. */
const char *coroutine_name(const Coroutine *co);

/* ---- Counters ---- */

/* Adds to a counter that one thread writes, or several where a lost addition does not matter. Any
 * thread may read it. */
static inline void port_count_add(uint64_t *counter, uint64_t n);
/* Reads a word that another thread may be changing, where an older value does no harm. */
static inline uint32_t port_peek(const uint32_t *word);

/* ---- File descriptors ---- */

/*
 * A loop as the fds that it watches know it. It has a place of PORT_WATCHER_PLACE bytes for the
 * words of the loop, which the port does not look at: aligned for a uint64_t, in a cache line of
 * its own, because any thread may write it. The memory of a watcher stays a watcher for ever, so a
 * thread that found it on an fd may touch it although the loop is gone by now. A new watcher may
 * contain what its last user has left in its place.
 */
enum { PORT_WATCHER_PLACE = 40 };
typedef struct PortWatcher PortWatcher;

/* Makes a watcher for a loop that sleeps on notifier_fd (port_event_open). Returns NULL and sets
 * *error to -errno if the machine has no more. */
PortWatcher *port_watcher_new(int notifier_fd, int *error);
/* When it returns, no thread is in a call of port_watcher_ready() for this loop any more. So only
 * then may the notifier be closed, whose number may be that of another event soon. */
void port_watcher_free(PortWatcher *watcher);
void *port_watcher_place(PortWatcher *watcher);
/* From now on (or no longer, if on is false), port_watcher_ready(place) is called when fd becomes
 * ready. Calling it twice is harmless. -EBADF: there is no such fd; -EPERM: an fd that is always
 * ready and cannot be watched. */
int port_fd_watch(int fd, PortWatcher *watcher, bool on);
/* Called by the port in the thread that made an fd ready. Defined by the user of watchers
 * (sync/wakeup.c). */
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
 * Fills in revents and returns the number of fds for which it is not 0. If there is none, sleeps
 * until there may be one, at most timeout_ns nanoseconds (negative: for ever, 0: not at all). fds
 * contains the notifier of the sleeping loop, notifier_fd (-1 if timeout_ns is 0). May return 0
 * early; returns -EINTR as 0.
 */
int port_fd_poll(PortPollFd *fds, unsigned nfds, int notifier_fd,
                 int64_t timeout_ns);

/*
 * A set of fds that finds the ready ones without looking at the others. It belongs to one loop.
 * Any thread may call update while it holds the lock of the loop; only the home thread calls wait.
 */
typedef struct PortReadySet PortReadySet;
/* Makes a set. Returns NULL if this machine has none. */
PortReadySet *port_ready_new(PortWatcher *watcher);
void port_ready_free(PortReadySet *set);
/* Watches fd for events (0: no longer). -EPERM and others: fd cannot be watched. */
int port_ready_update(PortReadySet *set, int fd, int events);
/* The same as port_fd_poll(), but stores at most n fds that are ready in `ready`. */
int port_ready_wait(PortReadySet *set, PortPollFd *ready, unsigned n,
                    int notifier_fd, int64_t timeout_ns);
/* Returns an fd that is readable while one of the set is ready. */
int port_ready_fd(PortReadySet *set);

/* One-shot polls through a ring: an armed poll is reported once when its fd is ready, and must
 * then be armed again. All calls are made by the home thread. */
typedef struct PortPollRing PortPollRing;
/* Makes a ring. Returns NULL and sets *error to -errno if this machine has none, or refuses. */
PortPollRing *port_poll_ring_new(PortWatcher *watcher, int *error);
void port_poll_ring_free(PortPollRing *ring);
/* Makes room for fd; called before its first poll. Returns false if there is no memory. Any
 * thread. */
bool port_poll_ring_reserve(PortPollRing *ring, int fd);
/* Arms the poll of fd for these events from now on; 0 withdraws it. */
void port_poll_ring_arm(PortPollRing *ring, int fd, int events);
/* Re-arms, for the same events, each poll that wait has reported since the last call. */
void port_poll_ring_rearm(PortPollRing *ring);
/* Returns true if wait has something to report; only reads memory, once the polls that were armed
 * since the last call have been handed over. */
bool port_poll_ring_pending(PortPollRing *ring);
/* Returns an fd that is readable while a poll that was handed over has completed. If there is
 * none, returns the notifier of the loop, which the loop sets in port_watcher_ready(). */
int port_poll_ring_fd(PortPollRing *ring);
/* The same as port_ready_wait(), but a poll that it reports is no longer armed. */
int port_poll_ring_wait(PortPollRing *ring, PortPollFd *ready, unsigned n,
                        int64_t timeout_ns);

/* Opens an event: an fd that is a flag, readable while it is set. */
int port_event_open(void);
void port_event_close(int fd);
/* Sets the flag. Lock-free; signal handlers may call it. */
int port_event_set(int fd);
/* Clears the flag; returns 1 if it was set, else 0. */
int port_event_clear(int fd);

/* The port defines here the inline functions that are declared above. */
#include "port-inline.h"

#endif

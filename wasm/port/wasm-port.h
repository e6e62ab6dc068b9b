/* SPDX-License-Identifier: MIT */
#ifndef WASM_PORT_H
#define WASM_PORT_H
/* What the files of this port share with each other and with wasm/runtime. */
#include "port/port.h"
#include "qemu/atomic.h"
#include "qemu/queue.h"

#define WASM_IMPORT(name) \
    __attribute__((import_module("env"), import_name(name)))
#define WASM_EXPORT(name) __attribute__((export_name(name), used))

/* ---- What JavaScript provides (ts/src/runtime/instance.ts) ---- */

/* ns; clock is a PortClock. */
WASM_IMPORT("clock_ns") double host_clock_ns(int clock);
/* Asks the owner for a worker that attaches as this thread. */
WASM_IMPORT("start_worker") void host_start_worker(void *thread);
/* WASI's descriptors in the loop: rt_fd_ready(fd) is called from now on whenever fd
 * may have become ready. 0; -EBADF. */
WASM_IMPORT("fd_watch") int host_fd_watch(int fd);
/* Which of PORT_POLL... are true of fd now; POLLNVAL if there is no such. */
WASM_IMPORT("fd_revents") int host_fd_revents(int fd, int events);
/* Two descriptors: of a pipe (to read, to write), or of sockets that are connected.
 * flags: WASI's fdflags. -errno. */
WASM_IMPORT("fd_pair") int host_fd_pair(int *fds, int sockets, int flags);
/* These throw: the thread leaves WebAssembly for good. */
enum {
#define AIO_ERROR(name, when, lives, remedy) AIO_ERROR_##name,
#include "error-codes.def"
#undef AIO_ERROR
};
/* An AioError; AIO_ERROR_PANIC is the runtime's end. */
WASM_IMPORT("raise")
QEMU_NORETURN void host_raise(int code, const char *message);
WASM_IMPORT("leave") QEMU_NORETURN void host_leave(void);

/* ---- Threads ---- */

/* What a worker is for. It waits on this word while it is ROLE_NONE. */
enum {
    ROLE_NONE,
    ROLE_CLAIMED,      /* somebody is writing fn and arg */
    ROLE_END,
    ROLE_RUN,          /* fn(arg), then wait again */
    ROLE_IOTHREAD,     /* back to JavaScript, which runs the IOThread arg */
    ROLE_HOST_IO,      /* back to JavaScript, which opens files */
};

typedef enum {
    THREAD_FREE,
    THREAD_STARTING,   /* its worker was asked for */
    THREAD_ATTACHED,   /* its worker runs */
} WasmThreadState;

/* What the JavaScript of an IOThread's worker is owed. */
typedef enum {
    TURN_NONE,
    TURN_NOW,          /* a call-back in JavaScript has run */
    TURN_IF_IDLE,      /* some microtasks have run; all do before a sleep */
} WasmTurn;

typedef struct WasmThread {
    uint32_t state;
    uint32_t role;
    int32_t started;           /* 1, -errno; 0: not known yet. A futex. */
    void (*fn)(void *);
    void *arg;
    void (*refused)(void *);   /* who does not wait for `started` hears so */
    void (*lost)(void *);
    void *lost_arg;
    void (*gone)(void *);      /* port_thread_when_gone */
    void *gone_arg;
    QLIST_HEAD(, RtTimer) timers;    /* of JavaScript's, in this thread */
    uint32_t begun;            /* by fn: it is not to be called again */
    uint32_t *waiting_on;      /* the word it sleeps on */
    PortHolds *holds;          /* its thread-local; NULL: not attached yet */
    uint32_t stop;             /* as in holds, for a thread that attaches anew */
    uint32_t *counts_in;       /* port_thread_counts_in */
    uint32_t posted;           /* control-plane messages sent to it */
    uint32_t wants_turn;       /* WasmTurn; its worker alone reads and writes it */
    uint32_t in_host_io;       /* the host serves a request in this thread */
    bool lost_unasked;         /* rt_thread_lost was called */
    bool once;                 /* its worker plays one role, then ends */
    char *stack;               /* its lowest byte; kept when the thread ends */
    uint32_t stack_size;
    void *tls;
    uint32_t may_wait;
    char name[32];
} WasmThread;

enum { WASM_MAX_THREADS = 256 };
extern WasmThread wasm_threads[WASM_MAX_THREADS];

/* Set once, by the owner. */
typedef struct WasmThreadLimits {
    uint32_t stack_size;
    uint32_t max_threads;      /* the owner included */
    uint32_t reserve;          /* workers that are kept although they have nothing to do */
} WasmThreadLimits;
extern WasmThreadLimits wasm_thread_limits;

WasmThread *wasm_thread_self(void);
/* From now on the calling worker is this thread. */
void wasm_thread_become(WasmThread *thread);
/* An entry for a worker that is to be started. NULL: wasm_thread_refusal. */
WasmThread *wasm_thread_new(uint32_t role);

/* Whether messages are under way to this thread, of which JavaScript has received so
 * many. One may be received before its sender has counted it: that is none. */
static inline bool wasm_messages_under_way(const WasmThread *self,
                                           uint32_t received)
{
    return (int32_t)(qatomic_mb_read(&self->posted) - received) > 0;
}
/* Why there is no entry: -EAGAIN at the limit, -ENOMEM if its stack has no room. */
int wasm_thread_refusal(void);
/* Claims a waiting worker, or asks for a new one. NULL: wasm_thread_refusal. */
WasmThread *wasm_thread_assign(const char *name, uint32_t role,
                               void (*fn)(void *), void *arg,
                               void (*refused)(void *));

/* Owner: an entry whose worker did not come to what it was to do; another one is to be
 * started. */
void wasm_thread_ask_again(WasmThread *thread);

/* ---- Threads that end unasked: lost.c ---- */

/* wasm/libc/stdio-lock.c, of a program that has it. */
__attribute__((weak)) void wasm_unlock_after_exit(void);
/* The thread, when it attaches. */
void wasm_holds_attach(WasmThread *self);
/* What another thread sees of its count. */
int wasm_thread_holds(const WasmThread *thread);

/* ---- Coroutines ---- */

/* Bytes of its C stack. */
uint32_t wasm_coroutine_stack_size(Coroutine *co);

/* ---- Failure ---- */

/* Not 0: some thread died and what it shared may be half-changed; or the runtime
 * is closed. All leave. */
extern uint32_t wasm_failed;
/* Leaves if the runtime has failed. */
static inline void wasm_leave_if_failed(void)
{
    if (unlikely(qatomic_mb_read(&wasm_failed))) {
        host_leave();
    }
}

/* ---- Events ---- */

/* The word that a loop sleeps on, and what it is while somebody does. */
enum { EVENT_CLEAR, EVENT_SET, EVENT_SLEEPING };
uint32_t *wasm_event_word(int fd);
/* True: the word is EVENT_SLEEPING now, a set will wake it. False: it is set. */
bool wasm_event_arm(int fd);

/* wait32 and notify, never inlined: see futex.c. */
int port_wait32(uint32_t *word, uint32_t expected, int64_t timeout_ns);
void port_notify32(uint32_t *word, uint32_t count);

#endif

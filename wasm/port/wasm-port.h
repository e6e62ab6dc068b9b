/* SPDX-License-Identifier: MIT */
#ifndef WASM_PORT_H
#define WASM_PORT_H
/* Shared by the files of this port and of wasm/runtime. */
#include "port/port.h"
#include "qemu/atomic.h"
#include "qemu/queue.h"

#define WASM_IMPORT(name) \
    __attribute__((import_module("env"), import_name(name)))
#define WASM_EXPORT(name) __attribute__((export_name(name), used))

/* ---- What JavaScript provides (ts/src/runtime/instance.ts) ---- */

/* Returns the time in nanoseconds; clock is a PortClock. */
WASM_IMPORT("clock_ns") double host_clock_ns(int clock);
/* Asks the owner for a worker that attaches as this thread. */
WASM_IMPORT("start_worker") void host_start_worker(void *thread);
/* Makes the host call rt_fd_ready(fd) from now on, whenever fd, a descriptor of WASI, may
 * have become ready. Returns 0 or -EBADF. */
WASM_IMPORT("fd_watch") int host_fd_watch(int fd);
/* Returns which of PORT_POLL... are true of fd now, or a negative number if there is no such
 * fd. */
WASM_IMPORT("fd_revents") int host_fd_revents(int fd, int events);
/* What WASI has no calls for; each returns -errno on failure. The order is that of
 * ts/src/wasi/loop-fds.ts. */
typedef enum {
    /* (int fds[2], bool sockets, fdflags): a pipe (to read, to write), or connected sockets. */
    HOST_FD_PAIR,
    /* (): reserves the lowest free descriptor for the library, and returns it. */
    HOST_FD_RESERVE,
    /* (fd, minimum, to): another descriptor of the same, the lowest free one from minimum on,
     * or `to`, if that is not negative. Returns it. */
    HOST_FD_DUP,
    /* (fd): returns another descriptor of what fd is, or a negative number. */
    HOST_FD_ALIAS,
    /* (fd): returns the number of the open file description, which is that of no other one. */
    HOST_FD_SERIAL,
    /* (domain, fdflags): a stream socket that is not connected. Returns its descriptor. */
    HOST_SOCKET,
    HOST_SOCK_BIND,          /* (fd, HostName *) */
    HOST_SOCK_LISTEN,        /* (fd, backlog) */
    HOST_SOCK_CONNECT,       /* (fd, HostName *) */
    /* (fd, peer, bytes): stores its name, or its peer's, in HOST_NAME_BYTES bytes; returns the
     * length. */
    HOST_SOCK_NAME,
    HOST_SOCK_STATE,         /* (fd, HostSockState, value) */
    /* (HostQuery *, addresses, count): looks up the name of a host, and stores the first so many
     * addresses, each a sockaddr in HOST_ADDRESS_BYTES bytes. Returns how many. */
    HOST_RESOLVE,
    /* Permissions of files (wasm/libc/mode.c). */
    HOST_FILE_CHMOD,         /* (WasiPath *, follow, mode) */
    HOST_FILE_ACCESS,        /* (WasiPath *, follow, mode) */
    HOST_FD_CHMOD,           /* (fd, mode) */
    /* (mode): the file or directory that this thread creates with its next call has it. */
    HOST_NEW_MODE,
    HOST_UMASK,              /* (): returns the umask of the host's process */
    /* (fd, bytes, size): stores the path of a directory, which begins with the name of one that the program
     * was given. Returns its length. */
    HOST_FD_PLACE,
} HostFdCall;
typedef enum {
    HOST_SOCK_ERROR,         /* takes the pending error, an errno */
    HOST_SOCK_DOMAIN,
    HOST_SOCK_LISTENS,
    HOST_SOCK_OPTIONS,       /* a word that the host only keeps */
    HOST_SOCK_SET_OPTIONS,
    HOST_SOCK_NUMBER,        /* + 2 * n: gets the n-th number; + 2 * n + 1: sets it (wasm/libc/sockopt.c) */
} HostSockState;
enum { HOST_NAME_BYTES = 112, HOST_ADDRESS_BYTES = 28 };
/* The name of a socket: the bytes of a struct sockaddr, and what identifies its file, or 0. */
typedef struct HostName {
    uint32_t length;
    uint8_t bytes[HOST_NAME_BYTES];
    uint32_t key[4];
} HostName;
/* The name of a host, and the family of the addresses that are wanted, or 0. */
typedef struct HostQuery {
    uint32_t length;
    uint32_t family;
    char name[256];
} HostQuery;
WASM_IMPORT("fd_call") int host_fd_call(HostFdCall call, intptr_t a, intptr_t b, intptr_t c);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_close")))
uint16_t wasi_fd_close(int fd);
/* These throw: the thread leaves WebAssembly for good. */
enum {
#define AIO_ERROR(name, when, lives, remedy) AIO_ERROR_##name,
#include "error-codes.def"
#undef AIO_ERROR
};
/* Throws an AioError; AIO_ERROR_PANIC ends the runtime. */
WASM_IMPORT("raise")
QEMU_NORETURN void host_raise(int code, const char *message);
WASM_IMPORT("leave") QEMU_NORETURN void host_leave(void);

/* ---- Threads ---- */

/* The role of a worker, which waits on this word while it is ROLE_NONE. */
enum {
    ROLE_NONE,
    ROLE_CLAIMED,      /* a thread is writing fn and arg */
    ROLE_END,
    ROLE_RUN,          /* fn(arg), then wait again */
    ROLE_IOTHREAD,     /* returns to JavaScript, which runs the IOThread arg */
    ROLE_HOST_IO,      /* returns to JavaScript, which opens files */
};

typedef enum {
    THREAD_FREE,
    THREAD_STARTING,   /* the owner was asked for its worker */
    THREAD_ATTACHED,   /* its worker runs */
} WasmThreadState;

/* Whether the JavaScript of an IOThread's worker needs a turn. */
typedef enum {
    TURN_NONE,
    TURN_NOW,          /* a JavaScript call-back has run */
    TURN_IF_IDLE,      /* only some microtasks have run; all must before a sleep */
} WasmTurn;

typedef struct WasmThread {
    uint32_t state;
    uint32_t role;
    int32_t started;           /* 1, -errno; 0: not known yet. A futex. */
    void (*fn)(void *);
    void *arg;
    void (*refused)(void *);   /* tells a caller that does not wait for `started` */
    void (*lost)(void *);
    void *lost_arg;
    void (*gone)(void *);      /* port_thread_when_gone */
    void *gone_arg;
    QLIST_HEAD(, RtTimer) timers;    /* timers of this thread's JavaScript */
    uint32_t begun;            /* set by fn: it must not be called again */
    uint32_t *waiting_on;      /* the word it sleeps on */
    PortHolds *holds;          /* its thread-local; NULL: not attached yet */
    uint32_t stop;             /* as holds->stop, for a thread that attaches again */
    uint32_t *counts_in;       /* port_thread_counts_in */
    uint32_t posted;           /* control-plane messages sent to it */
    uint32_t wants_turn;       /* WasmTurn; used by its worker only */
    int64_t turn_due_ns;       /* the wanted turn is put off until then; 0: it is not put off */
    uint32_t roused;           /* counts what ends its blocking calls' sleeps (calls.c). A futex. */
    /* The loop handle of the thread whose answer it waits for in a blocking call (handle.c). */
    bool awaits;
    uint32_t awaited_number, awaited_generation;
    uint32_t in_host_io;       /* the host is serving a request in this thread */
    bool lost_unasked;         /* rt_thread_lost was called */
    bool once;                 /* its worker plays one role, then ends */
    bool keeps_alive;          /* the program lives on while this thread runs */
    char *stack;               /* its lowest byte; kept when the thread ends */
    uint32_t stack_size;
    void *tls;
    uint32_t may_wait;
    PortWatcher *poller;       /* wasm_fd_poll(); kept when the thread ends */
    char name[32];
} WasmThread;

enum { WASM_MAX_THREADS = 256 };
extern WasmThread wasm_threads[WASM_MAX_THREADS];

/* Set once, by the owner. */
typedef struct WasmThreadLimits {
    uint32_t stack_size;
    uint32_t max_threads;      /* including the owner */
    uint32_t reserve;          /* idle workers that are kept */
} WasmThreadLimits;
extern WasmThreadLimits wasm_thread_limits;

WasmThread *wasm_thread_self(void);
/* Makes the calling worker this thread from now on. */
void wasm_thread_become(WasmThread *thread);
/* Makes an entry for a worker that is to be started. Returns NULL on failure: see
 * wasm_thread_refusal(). */
WasmThread *wasm_thread_new(uint32_t role);

/* Returns true if messages are under way to this thread, of which JavaScript has received
 * this many. A message may be received before its sender has counted it; then there is
 * none. */
static inline bool wasm_messages_under_way(const WasmThread *self,
                                           uint32_t received)
{
    return (int32_t)(qatomic_mb_read(&self->posted) - received) > 0;
}
/* Says why there is no entry: -EAGAIN at the limit of threads, -ENOMEM if there is no
 * memory for the stack. */
int wasm_thread_refusal(void);
/* Claims a waiting worker, or asks for a new one. Returns NULL on failure: see
 * wasm_thread_refusal(). */
WasmThread *wasm_thread_assign(const char *name, uint32_t role,
                               void (*fn)(void *), void *arg,
                               void (*refused)(void *));

/*
 * A program whose main() has called pthread_exit() ends, with exit code 0, when the last of its
 * threads has ended. Those are main and the threads of port_thread_start().
 */
/* The thread of main(), or NULL: it has ended, or there is none. */
extern WasmThread *wasm_main_thread;
/* Called by the thread of main() before anything else. */
void wasm_thread_runs_main(void);
/* Defined by wasm/libc/pthread-thread.c, if the program contains it: does what is to be done at the end of the calling thread if it
 * is a pthread. */
__attribute__((weak)) void wasm_pthread_ends(void *result);
/* The thread has ended, or was lost, or never began. Returns true if the program has no thread any
 * more; does nothing if called again. */
bool wasm_thread_over(WasmThread *thread);

/* Asks again for a worker for an entry whose worker ended before it began its work. Owner
 * only. */
void wasm_thread_ask_again(WasmThread *thread);

/* ---- Threads that end unexpectedly: lost.c ---- */

/* Defined by wasm/libc/stdio-lock.c, if the program contains it. */
__attribute__((weak)) void wasm_unlock_after_exit(void);
/* Called by a thread when it attaches. */
void wasm_holds_attach(WasmThread *self);
/* Returns the count of another thread's sections, as far as it is visible. */
int wasm_thread_holds(const WasmThread *thread);

/* ---- Coroutines ---- */

/* Returns the size of its C stack in bytes. */
uint32_t wasm_coroutine_stack_size(Coroutine *co);

/* ---- Failure ---- */

/* Not 0: a thread died, and what it shared may be half-changed; or the runtime is closed.
 * All threads leave. */
extern uint32_t wasm_failed;
/* Leaves WebAssembly if the runtime has failed. */
static inline void wasm_leave_if_failed(void)
{
    if (unlikely(qatomic_mb_read(&wasm_failed))) {
        host_leave();
    }
}

/* ---- Events ---- */

/* The values of the word that a loop sleeps on. */
enum { EVENT_CLEAR, EVENT_SET, EVENT_SLEEPING };
uint32_t *wasm_event_word(int fd);
/* Returns true if the word is EVENT_SLEEPING now, so that a set will wake the sleeper;
 * false if the event is set. */
bool wasm_event_arm(int fd);

/* The instructions wait32 and notify, never inlined: see futex.c. */
int port_wait32(uint32_t *word, uint32_t expected, int64_t timeout_ns);
void port_notify32(uint32_t *word, uint32_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* Describes the state of every thread and loop. Reads, value by value, what other
 * threads are writing. */
#include "block/aio.h"
#include "iothread/iothread.h"
#include "port/fd-table.h"
#include "runtime.h"
#include "sync/wakeup.h"

static char text[65536];
static size_t used;

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (used < sizeof(text)) {
        used += (size_t)vsnprintf(text + used, sizeof(text) - used, fmt, ap);
    }
    va_end(ap);
}

static void say_line(void *opaque, const char *line)
{
    (void)opaque;
    say("  %s\n", line);
}

static void say_context(AioContext *ctx)
{
    aio_context_dump(ctx, say_line, NULL);
}

static void say_owned(const char *name, AioContext *ctx)
{
    say("  its context '%s'\n", name);
    say_context(ctx);
}

/* Says what a thread is doing, as far as another one can tell. ctx: the context that it runs
 * as an IOThread, or NULL. */
static const char *doing(WasmThread *thread, AioContext *ctx)
{
    uint32_t *word = qatomic_mb_read(&thread->waiting_on);

    if (qatomic_read(&thread->state) == THREAD_STARTING) {
        return "starts";
    }
    if (!word) {
        return "runs";
    }
    if (word == &thread->role) {
        return "waits for something to do";
    }
    if (ctx && word == wasm_event_word(ctx->wakeup->fd)) {
        return "sleeps in aio_poll";
    }
    return "sleeps (for work, a lock or a condition)";
}

static void say_thread(WasmThread *thread, AioContext *ctx)
{
    say("thread %d '%s': %s", (int)(thread - wasm_threads),
        thread->name[0] ? thread->name : "reserve", doing(thread, ctx));
    if (wasm_thread_holds(thread)) {
        say(", holds %d locks", wasm_thread_holds(thread));
    }
    say("\n");
    if (ctx) {
        say_context(ctx);
    }
}

static void say_iothread(IOThread *iothread, void *thread)
{
    say_thread(thread, iothread_context(iothread));
}

/* Owner only. */
WASM_EXPORT("rt_dump")
const char *rt_dump(void)
{
    used = 0;
    say("thread 0 'owner': its event loop drives a context\n");
    say_context(rt_owner_context());
    rt_each_context(say_owned);
    for (int i = 1; i < WASM_MAX_THREADS; i++) {
        WasmThread *thread = &wasm_threads[i];

        if (qatomic_read(&thread->state) != THREAD_FREE &&
            !(qatomic_read(&thread->role) == ROLE_IOTHREAD &&
              iothread_visit(qatomic_mb_read(&thread->arg), say_iothread, thread))) {
            say_thread(thread, NULL);
        }
    }
    return text;
}

/* Returns the loops of the program, one a line: the address that `loop` is in events of traces, and
 * the fds that it watches. Owner only. */
WASM_EXPORT("rt_loops")
const char *rt_loops(void)
{
    const PortWatcher *watcher = NULL;

    used = 0;
    text[0] = 0;
    while ((watcher = wasm_next_loop(watcher))) {
        int fd = -1;

        if (watcher == rt_owner_context()->wakeup->watcher) {
            continue;
        }
        say("%lu", (unsigned long)(uintptr_t)watcher->place);
        while ((fd = wasm_next_watched(watcher, fd + 1)) >= 0) {
            say(" %d", fd);
        }
        say("\n");
    }
    return text;
}

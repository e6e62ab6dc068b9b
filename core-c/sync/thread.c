/* SPDX-License-Identifier: MIT */
#include "sync/thread.h"

#include "port/calls.h"
#include "sync/trace.h"
#include "sync/wait.h"

typedef struct QemuThreadRecord {
    uint32_t refs;             /* the thread's own and the joiner's */
    uint32_t done;             /* the futex that a joiner sleeps on */
    void *result;              /* valid when done */
    void *(*start_routine)(void *);
    void *arg;
    void (*refused)(void *arg);
    void (*lost)(void *lost_arg);
    void *lost_arg;
    int mode;
    bool ours;                 /* false: not made by qemu_thread_create() */
    char name[32];
} QemuThreadRecord;

/* In a thread that was not made here, current stays NULL and foreign is
 * used. */
static __thread QemuThreadRecord *current;
static __thread QemuThreadRecord foreign;
/* What a thread of either kind has to do at its end. */
static __thread ThreadExitHook *hooks;

/*
 * A coroutine may move to another thread, and a compiler may keep the address
 * of a thread-local over a call. So the address is looked up in a function of
 * its own, which is not inlined or left out.
 */
static __attribute__((noinline)) QemuThreadRecord **current_slot(void)
{
    __asm__ volatile("");
    return &current;
}

__attribute__((noinline)) QemuThreadRecord *thread_self(void)
{
    __asm__ volatile("");
    return current ? current : &foreign;
}

static __attribute__((noinline)) ThreadExitHook **hooks_slot(void)
{
    __asm__ volatile("");
    return &hooks;
}

static void record_unref(QemuThreadRecord *record)
{
    if (qatomic_fetch_dec(&record->refs) == 1) {
        free(record);
    }
}

/* Drops the thread's reference; the record may be gone afterwards. */
static void mark_done(QemuThreadRecord *record, void *result)
{
    record->result = result;
    qatomic_mb_set(&record->done, 1);
    port_futex_wake(&record->done, UINT32_MAX);
    record_unref(record);
}

/* Runs in another thread when this one ended unexpectedly, so that nobody waits
 * for it for ever. */
static void thread_lost(void *opaque)
{
    QemuThreadRecord *record = opaque;

    if (record->lost) {
        CALL_OWN(record->lost, record->lost_arg);
    }
    mark_done(record, NULL);
}

void thread_on_lost(void (*lost)(void *arg), void *arg)
{
    QemuThreadRecord *record = thread_self();

    port_thread_holds(1);
    record->lost = lost;
    record->lost_arg = arg;
    port_thread_holds(-1);
}

static void run_hooks(void *opaque)
{
    ThreadExitHook **first = opaque, *hook;

    while ((hook = *first)) {
        *first = hook->next;
        CALL_OWN(hook->fn, hook);
    }
}

void thread_run_exit_hooks(void)
{
    run_hooks(hooks_slot());
}

static void finish(QemuThreadRecord *record, void *result)
{
    thread_run_exit_hooks();
    *current_slot() = NULL;
    port_thread_holds(1);
    port_thread_on_lost(NULL, NULL);
    mark_done(record, result);
    port_thread_holds(-1);
}

static void run(void *opaque)
{
    QemuThreadRecord *record = opaque;

    *current_slot() = record;
    port_thread_on_lost(thread_lost, record);
    aio_trace_name_thread(record->name);
    finish(record, CALL_USER(record->start_routine, record->arg));
}

static QemuThreadRecord *record_new(const char *name,
                                    void *(*start_routine)(void *), void *arg,
                                    int mode)
{
    QemuThreadRecord *record = calloc(1, sizeof(*record));

    if (record) {
        record->refs = 1;
        record->start_routine = start_routine;
        record->arg = arg;
        record->mode = mode;
        record->ours = true;
        snprintf(record->name, sizeof(record->name), "%s", name ? name : "");
    }
    return record;
}

static void start_refused(void *opaque)
{
    QemuThreadRecord *record = opaque;

    CALL_OWN(record->refused, record->arg);
    free(record);
}

int thread_start_detached(const char *name, void *(*start_routine)(void *),
                          void *arg, void (*refused)(void *arg),
                          void (*lost)(void *arg))
{
    QemuThreadRecord *record = record_new(name, start_routine, arg,
                                          QEMU_THREAD_DETACHED);

    if (!record) {
        return -ENOMEM;
    }
    record->refused = refused;
    record->lost = lost;
    record->lost_arg = arg;
    int ret = port_thread_start(record->name, run, record, start_refused);
    if (ret < 0) {
        free(record);
    }
    return ret;
}

int qemu_thread_try_create(QemuThread *thread, const char *name,
                           void *(*start_routine)(void *), void *arg, int mode)
{
    QemuThreadRecord *record = record_new(name, start_routine, arg, mode);

    if (!record) {
        thread->record = NULL;
        return -ENOMEM;
    }
    /* The caller's reference lasts at least until this function returns. */
    record->refs = 2;

    /* Set first: the new thread may read *thread at once. */
    thread->record = record;
    int ret = port_thread_start(record->name, run, record, NULL);
    if (ret < 0) {
        thread->record = NULL;
        free(record);
        return ret;
    }
    if (mode == QEMU_THREAD_DETACHED) {
        record_unref(record);
    }
    return 0;
}

void qemu_thread_create(QemuThread *thread, const char *name,
                        void *(*start_routine)(void *), void *arg, int mode)
{
    int ret = qemu_thread_try_create(thread, name, start_routine, arg, mode);

    if (ret < 0) {
        port_panic("qemu_thread_create: thread '%s' cannot be started: %s",
                   name ? name : "", strerror(-ret));
    }
}

void *qemu_thread_join(QemuThread *thread)
{
    QemuThreadRecord *record = thread->record;

    if (!record || !record->ours) {
        port_panic("qemu_thread_join: not a thread that can be joined");
    }
    if (record->mode != QEMU_THREAD_JOINABLE) {
        port_panic("qemu_thread_join: thread '%s' is detached", record->name);
    }
    if (record == thread_self()) {
        port_panic("qemu_thread_join: thread '%s' waits for itself",
                   record->name);
    }
    /* Pairs with the store in mark_done(). */
    while (!qatomic_mb_read(&record->done)) {
        refuse_to_block("qemu_thread_join");
        port_futex_wait(&record->done, 0, -1);
    }
    void *result = record->result;
    thread->record = NULL;
    record_unref(record);
    return result;
}

void qemu_thread_get_self(QemuThread *thread)
{
    thread->record = thread_self();
}

bool qemu_thread_is_self(QemuThread *thread)
{
    return thread->record == thread_self();
}

void qemu_thread_exit(void *retval)
{
    QemuThreadRecord *record = thread_self();

    if (record->ours) {
        finish(record, retval);
    }
    port_thread_exit(retval);
}

void thread_at_exit(ThreadExitHook *hook)
{
    ThreadExitHook **first = hooks_slot();

    hook->next = *first;
    *first = hook;
    port_thread_when_gone(run_hooks, first);
    if (!thread_self()->ours) {
        port_thread_at_end(thread_run_exit_hooks);
    }
}

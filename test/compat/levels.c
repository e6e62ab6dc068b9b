/* A program of each AIO_API_VERSION: what changed has that release's parameters, as a call
 * and as an address, and works. Valid C++, too. */
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/defer-call.h"

#define LEVEL AIO_API_VERSION

/* ---- Addresses: a wrong type does not compile ---- */

#if LEVEL >= 801
static void (*set_fd)(AioContext *, int, IOHandler *, IOHandler *, AioPollFn *,
                      IOHandler *, void *) = aio_set_fd_handler;
static void (*set_notifier)(AioContext *, EventNotifier *,
                            EventNotifierHandler *, AioPollFn *,
                            EventNotifierHandler *) = aio_set_event_notifier;
static QEMUBH *(*new_bh)(AioContext *, QEMUBHFunc *, void *, const char *,
                         MemReentrancyGuard *) = aio_bh_new_full;
static QEMUBH *(*new_main_bh)(QEMUBHFunc *, void *, const char *,
                              MemReentrancyGuard *) = qemu_bh_new_full;
static BlockAIOCB *(*submit)(ThreadPoolFunc *, void *, BlockCompletionFunc *,
                             void *) = thread_pool_submit_aio;
static int (*submit_co)(ThreadPoolFunc *, void *) = thread_pool_submit_co;
#elif LEVEL >= 700
static void (*set_fd)(AioContext *, int, bool, IOHandler *, IOHandler *,
                      AioPollFn *, IOHandler *, void *) = aio_set_fd_handler;
static void (*set_notifier)(AioContext *, EventNotifier *, bool,
                            EventNotifierHandler *, AioPollFn *,
                            EventNotifierHandler *) = aio_set_event_notifier;
#else
static void (*set_fd)(AioContext *, int, bool, IOHandler *, IOHandler *,
                      AioPollFn *, void *) = aio_set_fd_handler;
static void (*set_notifier)(AioContext *, EventNotifier *, bool,
                            EventNotifierHandler *,
                            AioPollFn *) = aio_set_event_notifier;
#endif
#if LEVEL < 801
static QEMUBH *(*new_bh)(AioContext *, QEMUBHFunc *, void *,
                         const char *) = aio_bh_new_full;
static QEMUBH *(*new_main_bh)(QEMUBHFunc *, void *,
                              const char *) = qemu_bh_new_full;
static BlockAIOCB *(*submit)(ThreadPool *, ThreadPoolFunc *, void *,
                             BlockCompletionFunc *,
                             void *) = thread_pool_submit_aio;
static int (*submit_co)(ThreadPool *, ThreadPoolFunc *,
                        void *) = thread_pool_submit_co;
static void (*set_fd_poll)(AioContext *, int, IOHandler *,
                           IOHandler *) = aio_set_fd_poll;
static void (*submit_only)(ThreadPool *, ThreadPoolFunc *,
                           void *) = thread_pool_submit;
#elif LEVEL < 1000
static void (*submit_only)(ThreadPoolFunc *, void *) = thread_pool_submit;
#endif
static void (*set_pool)(AioContext *, int64_t, int64_t,
                        Error **) = aio_context_set_thread_pool_params;
#if LEVEL < 900
static void (*acquire)(AioContext *) = aio_context_acquire;
#endif
#if LEVEL >= 1000
static struct ThreadPoolAio *(*get_pool)(AioContext *) = aio_get_thread_pool;
static ThreadPoolAio *(*new_pool)(AioContext *) = thread_pool_new_aio;
static void (*free_pool)(ThreadPoolAio *) = thread_pool_free_aio;
/* The library does not take it away. */
typedef struct ThreadPool {
    int threads;
} ThreadPool;
#else
static struct ThreadPool *(*get_pool)(AioContext *) = aio_get_thread_pool;
static ThreadPool *(*new_pool)(AioContext *) = thread_pool_new;
static void (*free_pool)(ThreadPool *) = thread_pool_free;
#endif
#if LEVEL >= 1002
static bool (*context_setup)(AioContext *, Error **) = aio_context_setup;
#else
static void (*context_setup)(AioContext *) = aio_context_setup;
#endif

static const void *addresses[] = {
    (const void *)&set_fd, (const void *)&set_notifier, (const void *)&new_bh,
    (const void *)&new_main_bh, (const void *)&submit,
    (const void *)&submit_co, (const void *)&set_pool,
    (const void *)&get_pool, (const void *)&new_pool,
    (const void *)&free_pool, (const void *)&context_setup,
#if LEVEL < 801
    (const void *)&set_fd_poll,
#endif
#if LEVEL < 900
    (const void *)&acquire,
#endif
#if LEVEL < 1000
    (const void *)&submit_only,
#endif
};

/* ---- A run ---- */

static AioContext *ctx;
static int reads, runs, ended, deferred;
static MemReentrancyGuard guard;

static void on_set(EventNotifier *e)
{
    reads += event_notifier_test_and_clear(e);
}

static bool is_set(void *opaque)
{
    (void)opaque;
    return false;
}

static void guarded(void *opaque)
{
    (void)opaque;
    runs += guard.engaged_in_io ? 10 : 1;
}

static int work(void *opaque)
{
    (void)opaque;
    return 7;
}

static void done(void *opaque, int ret)
{
    (void)opaque;
    ended += ret;
}

static void defer(void *opaque)
{
    ++*(int *)opaque;
}

typedef struct Request {
    BlockAIOCB common;
    QEMUBH *bh;
} Request;

static void finish(void *opaque)
{
    Request *request = (Request *)opaque;

    request->common.cb(request->common.opaque, 100);
    qemu_bh_delete(request->bh);
    qemu_aio_unref(request);
}

static void cancel(BlockAIOCB *acb)
{
    qemu_bh_schedule(((Request *)acb)->bh);
}

#if LEVEL < 801
static AioContext *request_context(BlockAIOCB *acb)
{
    (void)acb;
    return ctx;
}
#endif

int main(void)
{
    EventNotifier notifier;
    AIOCBInfo info;
    Request *request;
    QEMUBH *bh;

    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (!*(void *const *)addresses[i]) {
            return 1;
        }
    }
    if (qemu_init_main_loop(&error_abort) < 0 ||
        event_notifier_init(&notifier, 1) < 0) {
        return 1;
    }
    ctx = qemu_get_aio_context();
    aio_context_set_thread_pool_params(ctx, 0, 1, &error_abort);
#if LEVEL >= 801
    aio_set_event_notifier(ctx, &notifier, on_set, is_set, on_set);
#elif LEVEL >= 700
    aio_set_event_notifier(ctx, &notifier, false, on_set, is_set, on_set);
#else
    aio_set_event_notifier(ctx, &notifier, false, on_set, is_set);
#endif
    while (!reads) {
        aio_poll(ctx, true);
    }
#if LEVEL >= 801
    aio_set_event_notifier(ctx, &notifier, NULL, NULL, NULL);
#elif LEVEL >= 700
    aio_set_event_notifier(ctx, &notifier, false, NULL, NULL, NULL);
#else
    aio_set_event_notifier(ctx, &notifier, false, NULL, NULL);
#endif
    event_notifier_cleanup(&notifier);

    bh = aio_bh_new(ctx, guarded, NULL);
    qemu_bh_schedule(bh);
    aio_poll(ctx, true);
    qemu_bh_delete(bh);
    bh = aio_bh_new_guarded(ctx, guarded, NULL, &guard);
    qemu_bh_schedule(bh);
    aio_poll(ctx, true);
    qemu_bh_delete(bh);
    bh = qemu_bh_new(guarded, NULL);
    aio_bh_call(bh);
    qemu_bh_delete(bh);

#if LEVEL >= 801
    thread_pool_submit_aio(work, NULL, done, NULL);
#else
    thread_pool_submit_aio(aio_get_thread_pool(ctx), work, NULL, done, NULL);
#endif
#if LEVEL >= 900
    AIO_WAIT_WHILE(NULL, ended == 0);
#else
    AIO_WAIT_WHILE(ctx, ended == 0);
#endif

    memset(&info, 0, sizeof(info));
    info.aiocb_size = sizeof(Request);
    info.cancel_async = cancel;
#if LEVEL < 801
    info.get_aio_context = request_context;
#endif
    request = (Request *)qemu_aio_get(&info, NULL, done, NULL);
    request->bh = aio_bh_new(ctx, finish, request);
    bdrv_aio_cancel(&request->common);

    defer_call_begin();
    defer_call(defer, &deferred);
    defer_call(defer, &deferred);
    deferred *= 10;
    defer_call_end();

    printf("read %d, ran %d, ended %d, deferred %d\n", reads, runs, ended,
           deferred);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Coroutines with stacks of their own. makecontext() starts a stack once; from then on
 * sigsetjmp() and siglongjmp(), which save no signal mask, switch. The sanitizers are
 * told of each switch, so that they follow the stacks and the happens-before edges.
 */
/* The checks of _FORTIFY_SOURCE refuse a longjmp to another stack. */
#undef _FORTIFY_SOURCE
#include "port/port.h"
#include "port/sanitize.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(WITH_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WITH_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

#define STACK_DEFAULT (1024 * 1024)
#define STACK_MIN (16 * 1024)

/* Inlined: as separate functions, those that bracket a switch would begin on one stack
 * and end on the other. */
#define PART_OF_ITS_CALLER static inline __attribute__((always_inline))

/* The values that siglongjmp() passes. */
enum { SWITCHED = 1, YIELDED, ENDED };

/* A stack, and how to resume it. */
typedef struct Side {
    sigjmp_buf env;
    void *fake_stack;          /* used by AddressSanitizer */
    const void *bottom;
    size_t size;
    void *fiber;               /* used by ThreadSanitizer */
} Side;

typedef struct PosixCoroutine {
    void (*entry)(void *arg);
    void *arg;
    char *stack;               /* its lowest page is inaccessible */
    size_t stack_size;
    Side own;
    Side *enterer;             /* on the stack of the code that entered it */
    max_align_t coroutine[];   /* the Coroutine of the library */
} PosixCoroutine;

PART_OF_ITS_CALLER PosixCoroutine *posix_coroutine(Coroutine *co)
{
    return container_of((max_align_t *)co, PosixCoroutine, coroutine[0]);
}

static size_t set_size = STACK_DEFAULT;

/* ---- The sanitizers ---- */

/* Called just before the switch away from `from`. */
PART_OF_ITS_CALLER void leave(Side *from, Side *to)
{
#if defined(WITH_ASAN)
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#if defined(WITH_TSAN)
    from->fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->fiber, 0);
#endif
    (void)from;
    (void)to;
}

/* Called just after the switch to `self`; stores in came_from where its stack lies. */
PART_OF_ITS_CALLER void arrive(Side *self, Side *came_from)
{
#if defined(WITH_ASAN)
    __sanitizer_finish_switch_fiber(self->fake_stack, &came_from->bottom,
                                    &came_from->size);
#endif
    (void)self;
    (void)came_from;
}

/* ---- Life ---- */

/* The function at the bottom of each stack. It never returns: an ended coroutine waits
 * here to be entered again. */
static void bottom(int low, int high)
{
    PosixCoroutine *co = (PosixCoroutine *)(uintptr_t)(
        (uint64_t)(uint32_t)low | (uint64_t)(uint32_t)high << 32);

    arrive(&co->own, co->enterer);
    for (;;) {
        if (!sigsetjmp(co->own.env, 0)) {
            leave(&co->own, co->enterer);
            siglongjmp(co->enterer->env, ENDED);
        }
        arrive(&co->own, co->enterer);
        co->entry(co->arg);
    }
}

/* Runs bottom() up to its first sigsetjmp(). */
static void prepare(PosixCoroutine *co)
{
    uint64_t address = (uintptr_t)co;
    Side enterer = { .fake_stack = NULL };
    ucontext_t context, unused;

    if (getcontext(&context) < 0) {
        port_panic("getcontext: %s", strerror(errno));
    }
    context.uc_link = NULL;
    context.uc_stack.ss_sp = co->stack;
    context.uc_stack.ss_size = co->stack_size;
    context.uc_stack.ss_flags = 0;
    makecontext(&context, (void (*)(void))bottom, 2, (int)(uint32_t)address,
                (int)(uint32_t)(address >> 32));
    co->enterer = &enterer;
    if (!sigsetjmp(enterer.env, 0)) {
        leave(&enterer, &co->own);
        swapcontext(&unused, &context);
    }
    arrive(&enterer, &co->own);
}

/* Makes the lowest page of a stack inaccessible, so that an overflow ends the process.
 * Linux 6.13 can do this without splitting the mapping; older versions cannot, and the
 * number of mappings is limited. */
static bool guard(char *page, size_t size)
{
#if !defined(MADV_GUARD_INSTALL)
    enum { MADV_GUARD_INSTALL = 102 };
#endif
    return madvise(page, size, MADV_GUARD_INSTALL) == 0 ||
           mprotect(page, size, PROT_NONE) == 0;
}

Coroutine *port_coroutine_new(size_t coroutine_size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = ROUND_UP(qatomic_read(&set_size), page) + page;
    PosixCoroutine *co = calloc(1, sizeof(*co) + coroutine_size);

    if (!co) {
        return NULL;
    }
    co->stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE,
                     -1, 0);
    if (co->stack == MAP_FAILED) {
        free(co);
        return NULL;
    }
    if (!guard(co->stack, page)) {
        munmap(co->stack, size);
        free(co);
        return NULL;
    }
    co->stack_size = size;
    co->own.bottom = co->stack;
    co->own.size = size;
#if defined(WITH_TSAN)
    co->own.fiber = __tsan_create_fiber(0);
#endif
    prepare(co);
    return (Coroutine *)co->coroutine;
}

void port_coroutine_free(Coroutine *base)
{
    PosixCoroutine *co = posix_coroutine(base);

#if defined(WITH_TSAN)
    __tsan_destroy_fiber(co->own.fiber);
#endif
    munmap(co->stack, co->stack_size);
    free(co);
}

bool port_coroutine_fits(Coroutine *base)
{
    PosixCoroutine *co = posix_coroutine(base);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return co->stack_size == ROUND_UP(qatomic_read(&set_size), page) + page;
}

/* frames is ignored: a native coroutine has one stack. */
void port_coroutine_set_size(size_t stack, size_t frames)
{
    (void)frames;
    qatomic_set(&set_size, stack ? MAX(stack, (size_t)STACK_MIN) :
                                   (size_t)STACK_DEFAULT);
}

/* ---- Switching ---- */

bool port_coroutine_enter(Coroutine *base, Coroutine *from,
                          void (*entry)(void *arg), void *arg)
{
    PosixCoroutine *co = posix_coroutine(base);
    Side enterer;
    int how;

    (void)from;
    co->entry = entry;
    co->arg = arg;
    co->enterer = &enterer;
    how = sigsetjmp(enterer.env, 0);
    if (how == 0) {
        leave(&enterer, &co->own);
        siglongjmp(co->own.env, SWITCHED);
    }
    arrive(&enterer, &co->own);
    return how == YIELDED;
}

void coroutine_fn qemu_coroutine_yield(void)
{
    Coroutine *base = port_coroutine_current;
    PosixCoroutine *co;

    if (unlikely(!base)) {
        port_coroutine_yields_to_no_one();
    }
    co = posix_coroutine(base);
    if (!sigsetjmp(co->own.env, 0)) {
        leave(&co->own, co->enterer);
        siglongjmp(co->enterer->env, YIELDED);
    }
    arrive(&co->own, co->enterer);
}

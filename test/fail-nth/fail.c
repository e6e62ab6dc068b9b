/* SPDX-License-Identifier: MIT */
#include "fail.h"
#include "qemu/atomic.h"

#if defined(__wasm__)
#include <malloc.h>
#endif

typedef struct Plan {
    unsigned calls;            /* since it was made */
    unsigned first, last;      /* of those that fail */
} Plan;

static Plan plans[FAIL_KINDS];

void fail_nth(FailKind kind, unsigned n, bool on)
{
    Plan *plan = &plans[kind];

    qatomic_mb_set(&plan->first, UINT_MAX);
    qatomic_mb_set(&plan->calls, 0);
    qatomic_mb_set(&plan->last, on ? UINT_MAX - 1 : n);
    qatomic_mb_set(&plan->first, n ? n : UINT_MAX);
}

bool fail_has_come(FailKind kind)
{
    return qatomic_mb_read(&plans[kind].calls) >= qatomic_read(&plans[kind].first);
}

bool fail_now(FailKind kind)
{
    Plan *plan = &plans[kind];
    unsigned first = qatomic_read(&plan->first), call;

    if (first == 0 || first == UINT_MAX) {
        return false;
    }
    call = qatomic_fetch_inc(&plan->calls) + 1;
    return call >= first && call <= qatomic_read(&plan->last);
}

/* ---- FAIL_MEMORY ---- */

static bool fails(void)
{
    if (fail_now(FAIL_MEMORY)) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

#if defined(__wasm__)

/* What wasm/libc/heap.c calls, so that the malloc which JavaScript calls fails, too. */
void *__real_emscripten_builtin_malloc(size_t size);
void *__real_emscripten_builtin_memalign(size_t alignment, size_t size);
void *__wrap_emscripten_builtin_malloc(size_t size);
void *__wrap_emscripten_builtin_memalign(size_t alignment, size_t size);

void *__wrap_emscripten_builtin_malloc(size_t size)
{
    return fails() ? NULL : __real_emscripten_builtin_malloc(size);
}

void *__wrap_emscripten_builtin_memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_emscripten_builtin_memalign(alignment, size);
}

size_t fail_memory_in_use(void)
{
    return mallinfo().uordblks;
}

#else

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);

static size_t pieces;

size_t fail_memory_in_use(void)
{
    return qatomic_mb_read(&pieces);
}

static void *got(void *p)
{
    if (p) {
        qatomic_inc(&pieces);
    }
    return p;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : got(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : got(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
    void *q = fails() ? NULL : __real_realloc(p, size);

    return p ? q : got(q);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : got(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : got(__real_strdup(text));
}

void __wrap_free(void *p)
{
    if (p) {
        qatomic_dec(&pieces);
    }
    __real_free(p);
}

#endif

/* SPDX-License-Identifier: MIT */
/* FAIL_MEMORY. */
#include "fail.h"
#include "qemu/atomic.h"

#if defined(__wasm__)
#include <malloc.h>
#endif

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

#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *p);
void *__real_mmap(void *place, size_t size, int access, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *p);
void *__wrap_mmap(void *place, size_t size, int access, int flags, int fd, off_t offset);
int __wrap_munmap(void *p, size_t size);

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

/* The stacks of coroutines, and the rings of the kernel. */
void *__wrap_mmap(void *place, size_t size, int access, int flags, int fd, off_t offset)
{
    void *p = fails() ? MAP_FAILED : __real_mmap(place, size, access, flags, fd, offset);

    if (p != MAP_FAILED) {
        qatomic_inc(&pieces);
    }
    return p;
}

int __wrap_munmap(void *p, size_t size)
{
    qatomic_dec(&pieces);
    return __real_munmap(p, size);
}

#endif

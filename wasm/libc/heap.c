/* SPDX-License-Identifier: MIT */
/*
 * malloc() and the functions like it, for threads that grow one memory.
 *
 * In the library's own files these names are aio_priv_malloc and so on (private-names.h).
 * So what the library and TypeScript allocate comes from this heap, even if the program
 * defines a malloc() of its own, which may not know of threads. libc's names are weak
 * aliases.
 *
 * It also replaces libc's function by which malloc() gets more memory (wasm-ld --wrap).
 * libc's computes the difference to a size that another thread may have changed since, and
 * grows by one page at a time; but each growth makes the JavaScript of every thread take
 * new views of the memory.
 */
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "port/wasm-port.h"
#include "qemu/thread.h"

#define PAGE 65536u
#define STEP (16u * PAGE)

/* Returns 1 if the memory has at least size bytes now, and 0 if it cannot have them. */
int __wrap_emscripten_resize_heap(size_t size);
/* libc's would tell JavaScript, but ours looks at the size of the memory itself. */
void emscripten_notify_memory_growth(size_t memory);

int __wrap_emscripten_resize_heap(size_t size)
{
    size_t now = __builtin_wasm_memory_size(0);
    size_t wanted = size / PAGE + (size % PAGE != 0);
    size_t step = STEP / PAGE;

    if (wanted <= now) {
        return 1;
    }
    /* Another thread may grow it too, which only makes it larger. */
    if (wanted - now < step &&
        __builtin_wasm_memory_grow(0, step) != (size_t)-1) {
        return 1;
    }
    return __builtin_wasm_memory_grow(0, wanted - now) != (size_t)-1;
}

void emscripten_notify_memory_growth(size_t memory)
{
    (void)memory;
}

/*
 * In V8 each thread has a copy of the memory's size. After another thread has grown the
 * memory, this copy is updated at the thread's next stack check. Until then memory.fill,
 * memory.copy and atomic accesses, which use the copy, trap on memory that another thread
 * has got. So the memory grows well ahead of what is handed out, and a thread that is
 * handed memory compares its copy: growing by 0 pages updates it at once.
 */
#define HEADROOM (8u * 1024 * 1024)
#define AHEAD (16u * 1024 * 1024)

static inline uint64_t known_size(void)
{
    return __builtin_wasm_memory_size(0) * (uint64_t)PAGE;
}

/* Grows by AHEAD, or near the end by all that there is: the rest must not be grown into
 * piece by piece, without headroom. */
static void grow_ahead(void)
{
    static uint32_t full;          /* the memory cannot grow any more */

    if (qatomic_read(&full)) {
        return;
    }
    if (__builtin_wasm_memory_grow(0, AHEAD / PAGE) != (size_t)-1) {
        return;
    }
    for (size_t pages = AHEAD / PAGE / 2; pages > 0; pages /= 2) {
        __builtin_wasm_memory_grow(0, pages);
    }
    qatomic_set(&full, 1);
}

static __attribute__((noinline)) void keep_ahead(uint64_t end)
{
    __builtin_wasm_memory_grow(0, 0);
    if (end + HEADROOM > known_size()) {
        grow_ahead();
    }
}

static inline void *visible(void *p, size_t size)
{
    uint64_t end = (uintptr_t)p + (uint64_t)size;

    if (__builtin_expect(p && end + HEADROOM > known_size(), 0)) {
        keep_ahead(end);
    }
    return p;
}

/* libc's own functions, of which its malloc, calloc and so on are weak aliases. */
void *emscripten_builtin_malloc(size_t size);
void *emscripten_builtin_memalign(size_t alignment, size_t size);
void emscripten_builtin_free(void *p);

/*
 * libc's malloc has a lock of its own, for which threads spin without looking at anything
 * else. With ours around it, no thread ever waits for that lock: a thread that is lost in
 * malloc has been counted as holding a lock, and the threads that wait leave.
 */
static QemuMutex heap_lock;

static void *allocate(size_t alignment, size_t size)
{
    void *p;

    qemu_mutex_lock(&heap_lock);
    p = alignment ? emscripten_builtin_memalign(alignment, size)
                  : emscripten_builtin_malloc(size);
    qemu_mutex_unlock(&heap_lock);
    if (!p) {
        errno = ENOMEM;
    }
    return visible(p, size);
}

void *malloc(size_t size)
{
    return allocate(0, size);
}

void free(void *p)
{
    /* After a failure the holder of the lock may be lost; then nothing more is
     * allocated. */
    if (p && !qatomic_read(&wasm_failed)) {
        qemu_mutex_lock(&heap_lock);
        emscripten_builtin_free(p);
        qemu_mutex_unlock(&heap_lock);
    }
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    p = allocate(0, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *p, size_t size)
{
    size_t old = p ? malloc_usable_size(p) : 0;
    void *q;

    /* As in glibc. */
    if (p && size == 0) {
        free(p);
        return NULL;
    }
    if (p && size <= old && size >= old / 2) {
        return p;
    }
    q = allocate(0, size);
    if (q && p) {
        memcpy(q, p, size < old ? size : old);
        free(p);
    }
    return q;
}

void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    int before = errno;
    void *p;

    if (alignment == 0 || alignment & (alignment - 1) || alignment % sizeof(void *)) {
        return EINVAL;
    }
    p = memalign(alignment, size);
    errno = before;
    if (!p) {
        return ENOMEM;
    }
    *result = p;
    return 0;
}

/* Allocates memory that JavaScript and C share. */
WASM_EXPORT("rt_malloc") void *rt_malloc(size_t size)
{
    return malloc(size);
}

WASM_EXPORT("rt_free") void rt_free(void *p)
{
    free(p);
}

/* libc's names, for the program. From here on they are no macros. */
#undef malloc
#undef free
#undef calloc
#undef realloc
#undef memalign
#undef aligned_alloc
#undef posix_memalign
#define LIBC_NAME(name) \
    extern __typeof__(aio_priv_##name) name \
        __attribute__((weak, alias("aio_priv_" #name)))
LIBC_NAME(malloc);
LIBC_NAME(free);
LIBC_NAME(calloc);
LIBC_NAME(realloc);
LIBC_NAME(memalign);
LIBC_NAME(aligned_alloc);
LIBC_NAME(posix_memalign);

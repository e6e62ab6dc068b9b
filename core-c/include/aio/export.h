/* SPDX-License-Identifier: MIT */
#ifndef AIO_EXPORT_H
#define AIO_EXPORT_H
/*
 * What a module offers to TypeScript; natively nothing.
 *
 *     int coroutine_fn count_lines(intptr_t file) { ... }
 *     AIO_EXPORT_COROUTINE(count_lines);
 *
 *     const lines = await io.coroutine('count_lines', file);
 */
#include "qemu/coroutine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What it returns is what the promise resolves with. */
typedef int coroutine_fn AioCoroutineFunc(intptr_t argument);

typedef struct AioExportedCoroutine {
    AioCoroutineFunc *function;
    const char *name;
} AioExportedCoroutine;

#if defined(AIO_HAS_EXPORTS)
/* A function whose address C takes has the same index in every instance's table, so
 * that the coroutine can move; one that JavaScript puts there has not. */
#define AIO_EXPORT_COROUTINE(coroutine)                                      \
    __attribute__((export_name("coroutine:" #coroutine), used))              \
    const AioExportedCoroutine *aio_exported_##coroutine(void);              \
    const AioExportedCoroutine *aio_exported_##coroutine(void)               \
    {                                                                        \
        static const AioExportedCoroutine exported = { coroutine,            \
                                                       #coroutine };         \
        return &exported;                                                    \
    }                                                                        \
    _Static_assert(1, "a semicolon follows")
#else
#define AIO_EXPORT_COROUTINE(coroutine) _Static_assert(1, "a semicolon follows")
#endif

#ifdef __cplusplus
}
#endif

#endif

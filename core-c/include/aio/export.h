/* SPDX-License-Identifier: MIT */
#ifndef AIO_EXPORT_H
#define AIO_EXPORT_H
/*
 * Exports coroutines of a module to TypeScript; natively this does nothing. The
 * promise resolves with what the coroutine returns.
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

/* A coroutine that TypeScript can call. It runs in the loop of the context that it
 * was called in, and may move to another one. */
typedef int coroutine_fn AioCoroutineFunc(intptr_t argument);

typedef struct AioExportedCoroutine {
    AioCoroutineFunc *function;
    const char *name;
} AioExportedCoroutine;

#if defined(AIO_HAS_EXPORTS)
/* Exports a coroutine under its name, at file scope. C takes its address, so it has
 * the same index in every instance's function table, and the coroutine can change
 * threads. */
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

/* SPDX-License-Identifier: MIT */
#ifndef WASM_HANDLE_H
#define WASM_HANDLE_H
/*
 * What JavaScript of several threads shares: bottom halves, event notifiers and
 * memory, known by a number and a generation. The table's memory is never given
 * back, so that a thread may look up what another one has closed meanwhile.
 */
#include "runtime.h"

typedef enum { HANDLE_BH, HANDLE_NOTIFIER, HANDLE_MEMORY } HandleKind;

enum { HANDLE_NAME = 36 };

typedef struct Handle {
    uint64_t state;             /* generation, and below it those who use it now */
    HandleKind kind;
    int32_t number;
    int32_t next_free;
    uint32_t holders;           /* watches, and one while it is open */
    const WasmThread *maker;
    union {
        QEMUBH *bh;
        EventNotifier notifier;
        void *memory;
    };
    char name[HANDLE_NAME];     /* what aio_context_dump says of it */
} Handle;

/* NULL: out of memory. The caller fills in the object before it tells anybody. */
Handle *handle_new(HandleKind kind, const char *name);
/* Nothing became of it, or it was closed: its number can be had again. */
void handle_free(Handle *handle);

/* callback.c. Home: calls the JavaScript function id while fd is readable; id 0: no
 * longer. 0, or -errno: nothing has changed. */
int rt_watch(AioContext *ctx, int fd, uint32_t id);
/* Whether it does. Home, or its thread has ended. */
bool rt_is_watched(AioContext *ctx, int fd);

#endif

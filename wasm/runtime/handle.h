/* SPDX-License-Identifier: MIT */
#ifndef WASM_HANDLE_H
#define WASM_HANDLE_H
/*
 * What the JavaScript of several threads shares: bottom halves, event notifiers and
 * memory, known by a number and a generation. The memory of the table is never
 * freed, so a thread may look up what another one has closed meanwhile.
 */
#include "runtime.h"

typedef enum {
    HANDLE_BH,
    HANDLE_NOTIFIER,
    HANDLE_MEMORY,
    HANDLE_LOOP,       /* the context of its maker, for threads that call it */
} HandleKind;

enum { HANDLE_NAME = 36 };

typedef struct Handle {
    uint64_t state;             /* the generation; below, the number of users */
    HandleKind kind;
    int32_t number;
    int32_t next_free;
    uint32_t holders;           /* number of watches, plus one while it is open */
    WasmThread *maker;
    union {
        QEMUBH *bh;
        EventNotifier notifier;
        void *memory;
        AioContext *loop;
    };
    char name[HANDLE_NAME];     /* its name in aio_context_dump() */
} Handle;

/* Makes a handle, or returns NULL if there is no memory. The caller fills in the
 * object before it passes the number on. */
Handle *handle_new(HandleKind kind, const char *name);
/* Frees a handle that was not completed or has been closed: its number can be
 * reused. */
void handle_free(Handle *handle);

/* callback.c. The call-back that calls the JavaScript function whose number opaque is. */
void rt_run_callback(void *opaque);
/* Calls the JavaScript function id while fd is readable; id 0 ends
 * that. Returns 0, or -errno if nothing has changed. Home thread only. */
int rt_watch(AioContext *ctx, int fd, uint32_t id);
/* Returns true if fd is watched. Home thread, or any if that has ended. */
bool rt_is_watched(AioContext *ctx, int fd);

#endif

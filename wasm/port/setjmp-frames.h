/* SPDX-License-Identifier: MIT */
#ifndef WASM_PORT_SETJMP_FRAMES_H
#define WASM_PORT_SETJMP_FRAMES_H
/* The functions of a thread that have called setjmp() and run: see setjmp.c. */
#include "port/port.h"

/* In the frame of the function: wasm/setjmp.mjs knows its size. */
typedef struct SetjmpFrame {
    struct SetjmpFrame *outer;
    uint32_t serial;          /* tells frames at one address apart */
    uint32_t fences;          /* the thread's, before this one */
    Coroutine *coroutine;     /* in which it runs, or NULL */
} SetjmpFrame;

extern _Thread_local SetjmpFrame *setjmp_frames;

/* The function begins. */
void setjmp_enter(SetjmpFrame *frame);
/* setjmp() has returned, perhaps because of a longjmp() that left other frames. */
void setjmp_landed(SetjmpFrame *frame);
/* The function returns. */
void setjmp_leave(SetjmpFrame *frame);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * setjmp and longjmp, by WebAssembly's exception handling.
 *
 * LLVM compiles a call of setjmp() to a catch around all calls that follow it in that
 * function, and longjmp() throws. It calls the three functions named __wasm_*, which
 * decide whether a catch is the right one. aiocc (wasm/setjmp.mjs) adds calls of the
 * other three: a function that calls setjmp() is in its thread's list while it runs.
 *
 * So a longjmp that cannot work is refused before anything is thrown: to a function
 * that has returned, from another thread or coroutine, or across frames of the event
 * loop or of JavaScript, which a throw would leave half-done. A coroutine cannot
 * yield across a function that calls setjmp(), because Asyncify cannot unwind a
 * function with a catch: the list counts as a fence (port/calls.h).
 */
#include "wasm-port.h"
#include "port/counter.h"
#include "setjmp-frames.h"

/* What setjmp() writes into a jmp_buf; the first part of <setjmp.h>'s, which is larger. */
typedef struct JumpBuffer {
    void *invocation;         /* LLVM's: which call of the function it was */
    uint32_t label;           /* LLVM's: which setjmp() in it; never 0 */
    SetjmpFrame *frame;
    uint32_t serial;          /* the frame's */
    /* What longjmp() throws: LLVM reads both members. */
    struct {
        struct JumpBuffer *buffer;
        int value;
    } thrown;
} JumpBuffer;

/* By LLVM's names and types. */
void __wasm_setjmp(JumpBuffer *buffer, uint32_t label, void *invocation);
uint32_t __wasm_setjmp_test(JumpBuffer *buffer, void *invocation);
QEMU_NORETURN void __wasm_longjmp(JumpBuffer *buffer, int value);

_Thread_local SetjmpFrame *setjmp_frames;
static _Thread_local uint32_t last_serial;

/* ---- The list of frames ---- */

void setjmp_enter(SetjmpFrame *frame)
{
    frame->outer = setjmp_frames;
    frame->serial = AIO_COUNTER_START + ++last_serial;
    frame->fences = port_fences_tls++;
    frame->coroutine = port_coroutine_current;
    setjmp_frames = frame;
}

void setjmp_landed(SetjmpFrame *frame)
{
    setjmp_frames = frame;
    port_fences_tls = frame->fences + 1;
}

void setjmp_leave(SetjmpFrame *frame)
{
    setjmp_frames = frame->outer;
    port_fences_tls = frame->fences;
}

/* ---- What LLVM calls ---- */

void __wasm_setjmp(JumpBuffer *buffer, uint32_t label, void *invocation)
{
    buffer->invocation = invocation;
    buffer->label = label;
    buffer->frame = setjmp_frames;
    buffer->serial = setjmp_frames->serial;
}

uint32_t __wasm_setjmp_test(JumpBuffer *buffer, void *invocation)
{
    return buffer->invocation == invocation ? buffer->label : 0;
}

static __attribute__((noinline, cold, noreturn))
void cannot_jump(const char *why)
{
    port_panic("longjmp: %s", why);
}

void __wasm_longjmp(JumpBuffer *buffer, int value)
{
    const SetjmpFrame *frame = setjmp_frames;
    uint32_t fences = 1;

    while (frame && (frame != buffer->frame || frame->serial != buffer->serial)) {
        frame = frame->outer;
        fences++;
    }
    if (unlikely(!frame)) {
        cannot_jump("the function that called setjmp() with this jmp_buf has returned, "
                    "or runs in another thread");
    }
    if (unlikely(frame->coroutine != port_coroutine_current)) {
        cannot_jump("the function that called setjmp() with this jmp_buf runs in "
                    "another coroutine, or outside this one");
    }
    if (unlikely(frame->fences + fences != port_fences_tls)) {
        cannot_jump("between setjmp() and this call lies a call-back of the event loop "
                    "or of JavaScript (setjmp()'s function called aio_poll or the "
                    "like), whose frames must return");
    }
    buffer->thrown.buffer = buffer;
    buffer->thrown.value = value ? value : 1;
    __builtin_wasm_throw(1, &buffer->thrown);
}

/* What longjmp() is called in an object of emcc. Such an object may jump; one that calls setjmp()
 * does not link. */
QEMU_NORETURN void emscripten_longjmp(JumpBuffer *buffer, int value);
void emscripten_longjmp(JumpBuffer *buffer, int value)
{
    __wasm_longjmp(buffer, value);
}

/* SPDX-License-Identifier: MIT */
/*
 * Coroutines switch inside WebAssembly, by Asyncify's four functions. A yield unwinds
 * the coroutine's frames into an area of shared memory; entering it again rewinds
 * them, in whichever instance. The function that enters is not instrumented, nor are
 * its callers: their frames stay on the thread's own stack.
 *
 * One block of memory holds a coroutine:
 *
 *     WasmCoroutine | Coroutine | frames, growing up -> | <- C stack, growing down
 *
 * Asyncify checks the end of the area only when the unwind is over. Behind the area
 * is the free part of the same coroutine's C stack, which serves as a red zone. We
 * check before Asyncify does, which would trap without a message.
 */
#include "port/calls.h"
#include "setjmp-frames.h"
#include "wasm-port.h"
#include <string.h>

#define ASYNCIFY_IMPORT(name) \
    __attribute__((import_module("asyncify"), import_name(name)))

/* What Asyncify is given: where the next frame goes, and the end of the area. */
typedef struct Frames {
    char *next;
    char *end;
} Frames;

ASYNCIFY_IMPORT("start_unwind") void asyncify_start_unwind(Frames *frames);
ASYNCIFY_IMPORT("stop_unwind") void asyncify_stop_unwind(void);
ASYNCIFY_IMPORT("start_rewind") void asyncify_start_rewind(Frames *frames);
ASYNCIFY_IMPORT("stop_rewind") void asyncify_stop_rewind(void);
/* The C stack of the instance: stack-switch.wat. */
#define STACK_IMPORT(name) \
    __attribute__((import_module("stack"), import_name(name)))
STACK_IMPORT("stack_switch")
void wasm_stack_switch(char *pointer, char *highest, char *lowest);
/* Switches back to the thread's own stack. */
STACK_IMPORT("stack_back") void wasm_stack_back(char *pointer);

/* Declared by the name that the linker sees: private-names.h. */
extern char *wasm_get_stack_pointer(void);
__asm__(".globaltype __stack_pointer, i32\n"
        ".globl aio_priv_wasm_get_stack_pointer\n"
        ".type aio_priv_wasm_get_stack_pointer,@function\n"
        "aio_priv_wasm_get_stack_pointer:\n"
        ".functype aio_priv_wasm_get_stack_pointer () -> (i32)\n"
        "global.get __stack_pointer\nend_function\n");

/* RUNNABLE: it is running, or begins with its entry function when it is entered. */
typedef enum { RUNNABLE, YIELDED, REWINDING } State;

typedef struct WasmCoroutine {
    Frames frames;
    char *first_frame;        /* where the frames begin */
    State state;
    char *sp;                 /* the stack pointer when it yielded */
    char *stack_limit;        /* also the end of the frames */
    char *stack_top;
    uint32_t fences;          /* the thread's fences when it was entered */
} WasmCoroutine;

static WasmCoroutine *wasm_coroutine(Coroutine *co)
{
    return (WasmCoroutine *)co - 1;
}

static Coroutine *coroutine(WasmCoroutine *co)
{
    return (Coroutine *)(co + 1);
}

#define STACK_DEFAULT (128 * 1024)
#define STACK_MIN (4 * 1024)
#define FRAMES_DEFAULT (64 * 1024)
#define FRAMES_MIN 1024

static uint32_t set_stack = STACK_DEFAULT;
static uint32_t set_frames = FRAMES_DEFAULT;

_Thread_local uint32_t port_fences_tls;

/* ---- Life ---- */

static uint32_t frames_size(const WasmCoroutine *co)
{
    return (uint32_t)(co->stack_limit - co->first_frame);
}

static uint32_t stack_size(const WasmCoroutine *co)
{
    return (uint32_t)(co->stack_top - co->stack_limit);
}

Coroutine *port_coroutine_new(size_t size)
{
    uint32_t stack = qatomic_read(&set_stack);
    uint32_t area = qatomic_read(&set_frames);
    /* A switch touches two cache lines. */
    size_t head = ROUND_UP(sizeof(WasmCoroutine) + size, 16);
    WasmCoroutine *co = aligned_alloc(64, ROUND_UP(head + area + stack, 64));

    if (!co) {
        return NULL;
    }
    memset(co, 0, head);
    co->frames.next = co->first_frame = (char *)co + head;
    co->frames.end = co->stack_limit = co->first_frame + area;
    co->stack_top = co->stack_limit + stack;
    return coroutine(co);
}

void port_coroutine_free(Coroutine *base)
{
    free(wasm_coroutine(base));
}

bool port_coroutine_fits(Coroutine *base)
{
    WasmCoroutine *co = wasm_coroutine(base);

    return stack_size(co) == qatomic_read(&set_stack) &&
           frames_size(co) == qatomic_read(&set_frames);
}

void port_coroutine_set_size(size_t stack, size_t area)
{
    stack = stack ? MAX(stack, (size_t)STACK_MIN) : (size_t)STACK_DEFAULT;
    area = area ? MAX(area, (size_t)FRAMES_MIN) : (size_t)FRAMES_DEFAULT;
    qatomic_set(&set_stack, ROUND_UP(stack, 16));
    qatomic_set(&set_frames, ROUND_UP(area, 16));
}

/* ---- Switching ---- */

static __attribute__((noinline, cold, noreturn))
void frames_overflowed(WasmCoroutine *co)
{
    uint32_t needed = (uint32_t)(co->frames.next - co->first_frame);

    /* Asyncify does not stop a write out of bounds, and the functions that format the
     * message may be instrumented. */
    co->frames.next = co->frames.end;
    asyncify_stop_unwind();
    port_panic("coroutine %p '%s' overflowed its Asyncify stack: its frames need "
               "%u bytes and it has %u: give it more with "
               "qemu_coroutine_set_stack_size", (void *)coroutine(co),
               coroutine_name(coroutine(co)), needed, frames_size(co));
}

bool port_coroutine_enter(Coroutine *base, Coroutine *from_base,
                          void (*entry)(void *arg), void *arg)
{
    WasmCoroutine *co = wasm_coroutine(base);
    char *sp = wasm_get_stack_pointer();

    /* Hidden from the compiler. If it could tell which function this is, it would
     * inline it into this one, which is not instrumented, and the coroutine would
     * never yield. */
    __asm__ volatile("" : "+r"(entry));
    co->fences = port_fences_tls;
    if (co->state == YIELDED) {
        co->state = REWINDING;
        wasm_stack_switch(co->sp, co->stack_top, co->stack_limit);
        asyncify_start_rewind(&co->frames);
    } else {
        wasm_stack_switch(co->stack_top, co->stack_top, co->stack_limit);
    }
    CALL_COROUTINE(entry, arg);
    if (from_base) {
        WasmCoroutine *from = wasm_coroutine(from_base);
        wasm_stack_switch(sp, from->stack_top, from->stack_limit);
    } else {
        wasm_stack_back(sp);
    }
    if (co->state != YIELDED) {
        return false;
    }
    if (unlikely(co->frames.next > co->frames.end)) {
        frames_overflowed(co);
    }
    asyncify_stop_unwind();
    return true;
}

static __attribute__((noinline, cold, noreturn))
void cannot_unwind(WasmCoroutine *co)
{
    if (setjmp_frames && setjmp_frames->coroutine == coroutine(co)) {
        port_panic("qemu_coroutine_yield: coroutine %p '%s' cannot yield here: a function "
                   "that has called setjmp() lies between its entry and this call, and "
                   "WebAssembly cannot suspend it", (void *)coroutine(co),
                   coroutine_name(coroutine(co)));
    }
    port_panic("qemu_coroutine_yield: coroutine %p '%s' cannot yield here: this "
               "is a call-back of the event loop or of JavaScript that the coroutine "
               "itself called (by aio_poll or the like), and WebAssembly cannot "
               "suspend the frames in between", (void *)coroutine(co),
               coroutine_name(coroutine(co)));
}

/* Called a second time at the end of the rewind. */
void coroutine_fn qemu_coroutine_yield(void)
{
    Coroutine *base = port_coroutine_current;
    WasmCoroutine *co;

    if (unlikely(!base)) {
        port_coroutine_yields_to_no_one();
    }
    co = wasm_coroutine(base);
    if (co->state == REWINDING) {
        asyncify_stop_rewind();
        co->state = RUNNABLE;
        return;
    }
    if (unlikely(co->fences != port_fences_tls)) {
        cannot_unwind(co);
    }
    co->state = YIELDED;
    co->sp = wasm_get_stack_pointer();
    asyncify_start_unwind(&co->frames);
}

uint32_t wasm_coroutine_stack_size(Coroutine *co)
{
    return stack_size(wasm_coroutine(co));
}

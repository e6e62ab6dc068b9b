/* SPDX-License-Identifier: MIT */
/*
 * Calls that are deferred to the end of a section of their thread; in QEMU
 * util/defer-call.c.
 *
 * They are run one by one from the front of a queue, so a deferred function may open a
 * section itself: its end works off the rest of the queue, and the outer section then
 * finds it empty.
 */
#include "loop/defer-call.h"
#include "port/calls.h"
#include <string.h>

enum { FEW = 8 };

typedef struct DeferredCall {
    void (*fn)(void *opaque);
    void *opaque;
} DeferredCall;

typedef struct Section {
    unsigned depth;
    unsigned first, end;       /* the part of calls that is to be run */
    unsigned size;             /* length of more; 0: few is used */
    DeferredCall *more;
    DeferredCall few[FEW];
} Section;

static _Thread_local Section section_tls;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
static __attribute__((noinline)) Section *section(void)
{
    __asm__ volatile("");
    return &section_tls;
}

static DeferredCall *calls_of(Section *s)
{
    return s->size ? s->more : s->few;
}

/* Returns false if there is no memory. */
static bool has_room(Section *s)
{
    unsigned size = s->size ? s->size : FEW;
    DeferredCall *more;

    if (s->end < size) {
        return true;
    }
    more = realloc(s->more, 2 * size * sizeof(*more));
    if (!more) {
        return false;
    }
    if (!s->size) {
        memcpy(more, s->few, sizeof(s->few));
    }
    s->more = more;
    s->size = 2 * size;
    return true;
}

bool defer_call_is_open(void)
{
    return section()->depth;
}

void defer_call_begin(void)
{
    section()->depth++;
}

void defer_call(void (*fn)(void *), void *opaque)
{
    Section *s = section();
    DeferredCall *calls;

    if (s->depth) {
        calls = calls_of(s);
        for (unsigned i = s->first; i < s->end; i++) {
            if (calls[i].fn == fn && calls[i].opaque == opaque) {
                return;
            }
        }
        if (has_room(s)) {
            calls_of(s)[s->end++] = (DeferredCall){ fn, opaque };
            return;
        }
    }
    CALL_USER(fn, opaque);
}

void defer_call_end(void)
{
    Section *s = section();

    if (!s->depth) {
        port_panic("defer_call_end: this thread has no section open "
                   "(defer_call_begin)");
    }
    if (--s->depth || s->first == s->end) {
        return;
    }
    while (s->first < s->end) {
        DeferredCall call = calls_of(s)[s->first++];

        CALL_USER(call.fn, call.opaque);
    }
    free(s->more);
    s->more = NULL;
    s->size = s->first = s->end = 0;
}

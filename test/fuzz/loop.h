/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_LOOP_H
#define FUZZ_LOOP_H
/* What the parts of the target `loop` share: the context, the input and the polls. */
#include "model.h"

#define MAX_DEPTH 4            /* polls inside call-backs */

extern AioContext *ctx;
extern unsigned depth;         /* polls on the stack */
extern bool progress[MAX_DEPTH + 1];      /* a call-back ran that counts */
extern unsigned job_depth;     /* at which the call-back of a request runs; 0: none */
extern bool tracing;

/* Prints a step to stderr if FUZZ_TRACE is set. */
#define TRACE(format, ...)                                                    \
    do {                                                                     \
        if (unlikely(tracing)) {                                               \
            fprintf(stderr, "%*s" format "\n", (int)depth * 2, "",           \
                    ##__VA_ARGS__);                                          \
        }                                                                    \
    } while (0)
/* Returns the next byte of the input, 0 after its end. */
unsigned next_byte(void);
/* Does at most max of the operations that come next in the input. */
void do_ops(unsigned max, bool may_poll);
/* What a call-back does: up to three operations. */
void script(void);

/* ---- Coroutines: loop-co.c ---- */

#define COROUTINES 4

void co_begin(void);
/* Makes coroutine i and schedules it, or schedules it anew if it has yielded. */
void co_schedule(unsigned i);
/* Wakes coroutine i if it has yielded. */
void co_wake(unsigned i);
/* Wakes one that has yielded; returns false if there is none. */
bool co_wake_any(void);
/* Checks that all have ended. */
void co_end(void);

/* ---- The thread pool: loop-pool.c ---- */

#define REQUESTS 16

extern bool pool_used;         /* the pool's own bottom half is not in the model */

void submit(unsigned i);
void cancel(unsigned i);
bool is_outstanding(void);

#endif

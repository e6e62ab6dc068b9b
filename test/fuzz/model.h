/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H
/*
 * What one context is expected to do, for a single thread. A call-back asks the model
 * whether it may run now; after each iteration the model says what should have run. The
 * model knows the order of bottom halves and of timers, and lets fds take their time.
 */
#include "block/aio.h"
#include "expect.h"

/* ---- Bottom halves ---- */

typedef struct ModelBH ModelBH;
struct ModelBH {
    bool pending;              /* in a list */
    bool scheduled, idle, deleted, oneshot;
    bool co_schedule;          /* the one that starts scheduled coroutines */
    ModelBH *next;
};

/* What one call of aio_bh_poll() has taken off the list. Calls may be nested. */
typedef struct ModelSlice ModelSlice;
struct ModelSlice {
    ModelBH *first;
    ModelSlice *next;
};

/* Queues bh, unless it is queued already. */
void model_bh_enqueue(ModelBH *bh);
/* A call of aio_bh_poll() begins, or one of aio_poll(), which makes one. */
void model_bh_begin(ModelSlice *slice);
/* Returns the bottom half that has to run next, or NULL; takes it off its slice. Those
 * of scheduled coroutines put the coroutines into the batch instead. */
ModelBH *model_bh_next(void);
/* Returns true if a bottom half, or a scheduled coroutine, is queued that will run. */
bool model_bh_due(bool idle_too);
/* Frees what the model holds. */
void model_bh_reset(void);

/* ---- Scheduled coroutines, by number ---- */

/* Queues coroutine number co behind the others. */
void model_co_schedule(unsigned co);
/* Takes the coroutine that runs next, or returns -1. */
int model_co_next(void);

/* ---- Timers ---- */

#define MODEL_TIMERS 8

typedef struct ModelTimer {
    QEMUClockType clock;
    bool armed;
    bool late;                 /* armed by the call-back of a timer of its clock */
    bool may_wait;             /* armed by the call-back of any timer */
    int64_t deadline;
    uint64_t turn;             /* grows with each arming */
} ModelTimer;

extern ModelTimer model_timers[MODEL_TIMERS];

/* Timer i is armed; deadlines are in the past or far away. */
void model_timer_arm(unsigned i, int64_t deadline);
/* Timer i runs: checks that it is due and that no other one comes first. */
void model_timer_begin(unsigned i);
void model_timer_end(unsigned i);
/* Returns true if a timer is due; with `all`, also one that may wait for the next
 * iteration. */
bool model_timer_due(bool all);

#endif

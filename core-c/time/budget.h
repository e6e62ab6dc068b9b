/* SPDX-License-Identifier: MIT */
#ifndef TIME_BUDGET_H
#define TIME_BUDGET_H
/*
 * The time that call-backs of one kind may take in one turn of a loop whose thread has
 * other things to do. A look at the clock costs as much as a quick call-back, so it
 * comes after the first of them, then after 2, 4, 8 … 32, and after 1 again when those
 * took long: the time is overrun by what it takes to run as many.
 */
#include "port/port.h"

typedef struct AioBudget {
    int64_t ns;
    int64_t end;
    int64_t looked;          /* when the clock was read last */
    unsigned step;           /* call-backs between two looks */
    unsigned left;           /* until the next */
} AioBudget;

static inline AioBudget aio_budget(int64_t ns)
{
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);

    return (AioBudget){ ns, now + ns, now, 1, 1 };
}

bool aio_budget_look(AioBudget *budget);

/* After a call-back. True: stop, and from then on after each one; without a budget
 * there is no end. */
static inline bool aio_budget_is_spent(AioBudget *budget)
{
    return budget && --budget->left == 0 && aio_budget_look(budget);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TIME_BUDGET_H
#define TIME_BUDGET_H
/*
 * The time that call-backs of one kind may take in one turn of a loop whose thread has
 * other things to do. Reading the clock costs as much as a quick call-back, so it is
 * read after the first one, then after 2, 4, 8 … 32, and after each one again when
 * those took long. The time is overrun by at most what those between two readings
 * take.
 */
#include "port/port.h"

typedef struct AioBudget {
    int64_t ns;
    int64_t end;
    int64_t looked;          /* when the clock was read last */
    unsigned step;           /* call-backs between two looks */
    unsigned left;           /* call-backs until the next look */
} AioBudget;

static inline AioBudget aio_budget(int64_t ns)
{
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);

    return (AioBudget){ ns, now + ns, now, 1, 1 };
}

bool aio_budget_look(AioBudget *budget);

/* Called after a call-back. Returns true if no more should run, and from then on after
 * each one; never without a budget. */
static inline bool aio_budget_is_spent(AioBudget *budget)
{
    return budget && --budget->left == 0 && aio_budget_look(budget);
}

#endif

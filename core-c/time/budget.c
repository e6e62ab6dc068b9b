/* SPDX-License-Identifier: MIT */
#include "time/budget.h"

enum { MAX_STEP = 32 };

bool aio_budget_look(AioBudget *budget)
{
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    bool spent = now >= budget->end;
    bool quick = now - budget->looked < budget->ns / MAX_STEP;

    budget->looked = now;
    budget->step = quick && !spent ? MIN(2 * budget->step, MAX_STEP) : 1;
    budget->left = budget->step;
    return spent;
}

/* SPDX-License-Identifier: MIT */
/* The record of a run: its last steps. */
#include "port/sim/machine.h"

enum { KEPT = 4096 };

static SimStep steps[KEPT];
static uint64_t count;
bool sim_recording;

void sim_record_reset(void)
{
    count = 0;
}

void sim_record(const SimSite *site, const char *what, uint64_t value)
{
    steps[count++ % KEPT] = (SimStep){ site, what, value, sim_current_run->steps, sim_self->id };
}

uint64_t sim_recorded(void)
{
    return count;
}

const SimStep *sim_recorded_step(uint64_t n)
{
    return &steps[n % KEPT];
}

/* SPDX-License-Identifier: MIT */
/* What a scenario calls to start threads, to wait for them, and to let them meet. */
#include "port/sim/machine.h"

/* sim_meet(): how many have come, and what they knew. */
static unsigned met;
static SimClock met_clock;

void sim_scenario_reset(void)
{
    met = 0;
    memset(&met_clock, 0, sizeof(met_clock));
}

unsigned sim_choose(unsigned n)
{
    return sim_random(n);
}

void sim_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
    static const SimSite site = { __FILE__, __LINE__, "a new thread" };

    sim_point(&site, NULL, true);
    if (!sim_thread_new(name, fn, arg)) {
        sim_fail("more than %d threads in one run", SIM_MAX_THREADS);
    }
}

void sim_join(void)
{
    for (unsigned i = 0; sim_thread(i); i++) {
        SimThread *t = sim_thread(i);

        if (t != sim_self && t->state != SIM_ENDED) {
            sim_block(t, INT64_MAX);
        }
        sim_clock_join(&sim_self->clock, &t->clock);
    }
}

void sim_pass(void)
{
    static const SimSite site = { __FILE__, __LINE__, "a step of its own" };

    sim_point(&site, &site, true);
}

void sim_sleep(int64_t ns)
{
    sim_block(NULL, sim_now() + ns);
}

void sim_meet(unsigned n)
{
    static const char place;
    SimThread *t;

    if (++met < n) {
        sim_block(&place, INT64_MAX);
        sim_clock_join(&sim_self->clock, &met_clock);
        return;
    }
    met = 0;
    for (unsigned i = 0; (t = sim_thread(i)); i++) {
        if (t->state == SIM_BLOCKED && t->word == &place) {
            sim_clock_join(&met_clock, &t->clock);
            sim_unblock(t);
        }
    }
    sim_clock_join(&met_clock, &sim_self->clock);
    sim_clock_join(&sim_self->clock, &met_clock);
    sim_current_run->choices = 0;
    sim_plan();
    sim_pass();
}

void sim_never_blocks(void)
{
    sim_self->never_blocks = true;
}

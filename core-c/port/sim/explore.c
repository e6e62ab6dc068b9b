/* SPDX-License-Identifier: MIT */
/*
 * All orders of a small program, under sequential consistency. Orders that differ only in steps which do not depend on each
 * other are tried once: a thread whose step was tried before, and that nothing since has touched, sleeps. (Sleep sets:
 * P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996.)
 */
#include "port/sim/machine.h"

enum { DEEPEST = 400 };

typedef struct Choice {
    uint32_t ready, sleeping;
    unsigned chosen;
    /* The next step of each thread, as it was here. */
    const void *address[SIM_MAX_THREADS];
    bool writes[SIM_MAX_THREADS];
} Choice;

static Choice choices[DEEPEST];
static unsigned depth, length;
static bool too_deep;

/* Steps without an address concern all. */
static bool independent(const Choice *choice, unsigned a, unsigned b)
{
    const void *x = choice->address[a], *y = choice->address[b];

    return x && y && (x != y || (!choice->writes[a] && !choice->writes[b]));
}

int sim_explore_pick(uint32_t ready)
{
    Choice *choice = &choices[depth], *before = depth ? &choices[depth - 1] : NULL;

    if (depth < length) {
        depth++;
        return (int)choice->chosen;
    }
    if (depth == DEEPEST) {
        too_deep = true;
        return -1;
    }
    choice->ready = ready;
    choice->sleeping = 0;
    for (unsigned i = 0; sim_thread(i); i++) {
        choice->address[i] = sim_thread(i)->address;
        choice->writes[i] = sim_thread(i)->writes;
        if (before && before->sleeping >> i & 1 && independent(before, i, before->chosen)) {
            choice->sleeping |= 1u << i;
        }
    }
    if (!(ready & ~choice->sleeping)) {
        return -1;
    }
    choice->chosen = (unsigned)__builtin_ctz(ready & ~choice->sleeping);
    length = ++depth;
    return (int)choice->chosen;
}

bool sim_explore(const SimScenario *scenario, uint64_t most_runs, SimRun *run, uint64_t *runs, bool *complete)
{
    length = 0;
    too_deep = false;
    *complete = false;
    for (*runs = 0; *runs < most_runs; ++*runs) {
        depth = 0;
        run->scheduler = SIM_ALL;
        sim_run(scenario, run);
        if (run->failed) {
            return false;
        }
        /* Back to the last choice that had another thread to choose. */
        while (length) {
            Choice *choice = &choices[length - 1];

            choice->sleeping |= 1u << choice->chosen;
            if (choice->ready & ~choice->sleeping) {
                choice->chosen = (unsigned)__builtin_ctz(choice->ready & ~choice->sleeping);
                break;
            }
            length--;
        }
        if (!length) {
            *complete = !too_deep;
            ++*runs;
            return true;
        }
    }
    return true;
}

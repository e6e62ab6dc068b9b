/* SPDX-License-Identifier: MIT */
/*
 * Whether what a run has observed could have been observed if its calls had been made one after the other: for each call there is a
 * moment between its begin and its end at which it may have taken effect. (J. Wing and C. Gong, Testing and Verifying Concurrent
 * Objects, 1993.) States that were seen after the same calls are not searched again.
 */
#include "port/sim/machine.h"

enum { CALLS = 64, SEEN = 4096 };

typedef struct Call {
    const char *name;
    int op;
    int64_t arg, result;
    unsigned begin, end;        /* when, among all begins and ends; end 0: not ended */
    unsigned thread;
} Call;

static Call calls[CALLS];
static unsigned n_calls, instant;
static uint64_t seen[SEEN];
/* Who notes a call knows what was noted before, as if all looked at one clock; otherwise a thread might rightly not have seen yet
 * what another one has done. */
static SimClock noted;

void sim_calls_reset(void)
{
    n_calls = 0;
    instant = 0;
    memset(&noted, 0, sizeof(noted));
}

unsigned sim_call_begin(const char *name, int op, int64_t arg)
{
    if (n_calls == CALLS) {
        sim_fail("more than %d calls in one history", CALLS);
    }
    sim_clock_join(&sim_self->clock, &noted);
    calls[n_calls] = (Call){ .name = name, .op = op, .arg = arg, .begin = ++instant, .thread = sim_self->id };
    return n_calls++;
}

void sim_call_end(unsigned call, int64_t result)
{
    sim_clock_join(&noted, &sim_self->clock);
    sim_self->clock.ticks[sim_self->id]++;
    calls[call].result = result;
    calls[call].end = ++instant;
}

void sim_call_result(unsigned call, int64_t result)
{
    calls[call].result = result;
}

void sim_call_now(const char *name, int op, int64_t arg, int64_t result)
{
    sim_call_end(sim_call_begin(name, op, arg), result);
}

/* Returns true if this state after these calls is new. */
static bool is_new(uint64_t done, const SimState *state)
{
    uint64_t hash = done * UINT64_C(0x9e3779b97f4a7c15);

    for (unsigned i = 0; i < ARRAY_SIZE(state->of); i++) {
        hash = (hash ^ (uint64_t)state->of[i]) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= hash >> 29;
    }
    hash |= 1;
    for (size_t at = hash >> 52, n = 0; n < SEEN; at = (at + 1) % SEEN, n++) {
        if (seen[at] == hash) {
            return false;
        }
        if (!seen[at]) {
            seen[at] = hash;
            return true;
        }
    }
    return true;
}

static bool search(SimModel *model, uint64_t done, const SimState *state)
{
    unsigned first_end = UINT_MAX;

    for (unsigned i = 0; i < n_calls; i++) {
        if (!(done >> i & 1)) {
            first_end = MIN(first_end, calls[i].end);
        }
    }
    if (first_end == UINT_MAX) {
        return true;
    }
    if (!is_new(done, state)) {
        return false;
    }
    for (unsigned i = 0; i < n_calls; i++) {
        SimState next = *state;

        if (!(done >> i & 1) && calls[i].begin < first_end && model(&next, calls[i].op, calls[i].arg, calls[i].result) &&
            search(model, done | UINT64_C(1) << i, &next)) {
            return true;
        }
    }
    return false;
}

void sim_check_linear(SimModel *model, const char *what)
{
    SimState state = { { 0 } };
    uint64_t done = 0;
    char text[900];
    size_t at = 0;

    memset(seen, 0, sizeof(seen));
    /* One that has not ended has had no effect that anybody has seen. */
    for (unsigned i = 0; i < n_calls; i++) {
        done |= (uint64_t)!calls[i].end << i;
    }
    if (search(model, done, &state)) {
        return;
    }
    for (unsigned i = 0; i < n_calls && at < sizeof(text); i++) {
        const Call *c = &calls[i];

        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s'%s' %s(%" PRId64 ") = %" PRId64 " [%u,%u]", at ? ", " : "",
                               sim_thread(c->thread)->name, c->name, c->arg, c->result, c->begin, c->end);
    }
    sim_fail("%s: no order of these calls explains their results: %s", what, text);
}

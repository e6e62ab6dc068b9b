/* SPDX-License-Identifier: MIT */
/* Which thread goes on at each step. */
#include "port/sim/machine.h"

/* How long a step takes in virtual time, in ns, and by how much the clock may jump, as if a thread had lost its CPU. */
enum { STEP_NS = 50, JUMP_NS = 200000, JUMPS = 256 };
/* A run that takes more steps does not end. */
enum { MOST_STEPS = 2000000 };
/* As many that one thread takes while all others sleep lead nowhere. */
enum { MOST_ALONE = 100000 };

/* The thread-locals of the thread that runs. The build gives this section of the program its name. */
extern char __start_simtls[], __stop_simtls[];

SimThread *sim_self;
static SimThread threads[SIM_MAX_THREADS];
static unsigned n_threads;
/* Steps until the next choice, and whether a thread became ready that may have to go first. */
static uint64_t until_choice;
static bool choose_now;
/* The last step at which another thread was ready, as far as anybody has looked. */
static uint64_t in_company;
static void (*on_rest)(int notifier_fd, int64_t deadline);
static int64_t now, earliest;
static int64_t least_priority;
static uint64_t random_state;
static unsigned mean;
/* Whether a thread that pauses lets others run first; otherwise it goes on, so that it may spin until it goes to sleep. */
static bool pauses_yield;
enum { MOST_PAUSES = 100 };
/* SIM_BY_HAND: who may go on, and who was chosen. */
static uint32_t choices_by_hand;
static SimThread *chosen_by_hand;

static uint64_t next_random(void)
{
    /* splitmix64 */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t sim_random(uint32_t n)
{
    return sim_current_run->scheduler >= SIM_ALL || n < 2 ? 0 : (uint32_t)((next_random() >> 32) * n >> 32);
}

int64_t sim_now(void)
{
    return now;
}

SimThread *sim_thread(unsigned i)
{
    return i < n_threads ? &threads[i] : NULL;
}

/* ---- The end of a run ---- */

/* Nobody can go on, and not all have ended. */
static void stuck(void)
{
    char text[900];
    size_t at = 0;

    for (unsigned i = 0; i < n_threads && at < sizeof(text); i++) {
        const SimThread *t = &threads[i];

        if (t->state == SIM_BLOCKED) {
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s'%s' %s", at ? ", " : "", t->name,
                                   t->word ? "sleeps on a word that nobody wakes" : "waits");
        }
    }
    sim_fail("nothing can go on: %s", text);
}

/* ---- Choosing ---- */

static void expire(void)
{
    earliest = INT64_MAX;
    for (unsigned i = 0; i < n_threads; i++) {
        SimThread *t = &threads[i];

        if (t->state != SIM_BLOCKED) {
            continue;
        }
        if (t->deadline <= now) {
            t->timed_out = true;
            t->state = SIM_READY;
        } else {
            earliest = MIN(earliest, t->deadline);
        }
    }
}

static uint32_t ready_threads(void)
{
    uint32_t ready = 0;

    for (unsigned i = 0; i < n_threads; i++) {
        ready |= (uint32_t)(threads[i].state == SIM_READY) << i;
    }
    return ready;
}

static SimThread *greatest(uint32_t ready)
{
    SimThread *best = NULL;

    for (unsigned i = 0; i < n_threads; i++) {
        if (ready >> i & 1 && (!best || threads[i].priority > best->priority)) {
            best = &threads[i];
        }
    }
    return best;
}

static SimThread *nth(uint32_t ready, uint32_t n)
{
    while (n--) {
        ready &= ready - 1;
    }
    return &threads[__builtin_ctz(ready)];
}

void sim_plan(void)
{
    const SimRun *run = sim_current_run;

    choose_now = false;
    if (run->scheduler == SIM_BY_PRIORITY) {
        until_choice = 1 + sim_random((uint32_t)(2 * run->length / (run->changes + 1)) + 1);
    } else {
        until_choice = 1 + sim_random(2 * mean);
    }
}

void sim_on_rest(void (*fn)(int notifier_fd, int64_t deadline))
{
    on_rest = fn;
}

/* Everybody sleeps. */
static void check_rest(void)
{
    for (unsigned i = 0; on_rest && i < n_threads; i++) {
        if (threads[i].state == SIM_BLOCKED && threads[i].polls) {
            on_rest(threads[i].polls, threads[i].deadline);
        }
    }
}

/* Chooses who runs next; waits: the calling thread lets others run first, if there are any. */
static SimThread *choose(bool waits)
{
    SimRun *run = sim_current_run;
    uint32_t ready, others;

    if (run->scheduler < SIM_ALL) {
        if (sim_random(JUMPS) == 0) {
            now += sim_random(JUMP_NS);
        }
        if (now >= earliest) {
            expire();
        }
    }
    while (!(ready = ready_threads())) {
        expire();
        if ((ready = ready_threads())) {
            break;
        }
        check_rest();
        if (earliest == INT64_MAX) {
            bool all = true;

            for (unsigned i = 0; i < n_threads; i++) {
                all = all && threads[i].state == SIM_ENDED;
            }
            if (all) {
                sim_fiber_leave();
            }
            stuck();
        }
        now = earliest;
    }
    others = waits ? ready & ~(1u << sim_self->id) : ready;
    others = others ? others : ready;
    switch (run->scheduler) {
    case SIM_BY_PRIORITY:
        if (until_choice == 0 && sim_self->state == SIM_READY) {
            sim_self->priority = --least_priority;
        }
        if (waits) {
            sim_self->priority = --least_priority;
        }
        if (until_choice == 0) {
            sim_plan();
        }
        choose_now = false;
        return greatest(ready);
    case SIM_ALL: {
        int id = sim_explore_pick(others);

        if (id < 0) {
            run->pruned = true;
            sim_fiber_leave();
        }
        return &threads[id];
    }
    case SIM_BY_HAND:
        choices_by_hand = ready;
        sim_fiber_suspend();
        return chosen_by_hand;
    default:
        sim_plan();
        return nth(others, sim_random((uint32_t)__builtin_popcount(others)));
    }
}

static void run_thread(SimThread *next)
{
    SimThread *me = sim_self;
    size_t size = (size_t)(__stop_simtls - __start_simtls);

    if (next == me) {
        return;
    }
    memcpy(me->tls, __start_simtls, size);
    memcpy(__start_simtls, next->tls, size);
    sim_self = next;
    sim_fiber_switch(&me->fiber, &next->fiber);
}

static void count_step(const SimSite *site, const void *address, bool writes)
{
    SimThread *me = sim_self;

    if (++sim_current_run->steps > MOST_STEPS) {
        sim_fail("no end after %d steps", MOST_STEPS);
    }
    if (sim_current_run->steps - in_company > MOST_ALONE) {
        if (!(ready_threads() & ~(1u << me->id))) {
            sim_fail("thread '%s' takes %d steps while all others sleep: it leads nowhere", me->name, MOST_ALONE);
        }
        in_company = sim_current_run->steps;
    }
    now += STEP_NS;
    me->site = site;
    me->address = address;
    me->writes = writes;
}

void sim_point(const SimSite *site, const void *address, bool writes)
{
    SimRun *run = sim_current_run;
    bool all = run->scheduler >= SIM_ALL, counts = all || sim_counts(address);

    count_step(site, address, writes);
    run->choices += counts;
    if (all || (counts && --until_choice == 0) || choose_now || now >= earliest) {
        run_thread(choose(false));
    }
}

void sim_pause(const SimSite *site)
{
    if (!pauses_yield && ++sim_self->pauses < MOST_PAUSES) {
        sim_point(site, NULL, false);
        return;
    }
    sim_self->pauses = 0;
    count_step(site, NULL, false);
    until_choice -= until_choice > 1;
    run_thread(choose(true));
}

bool sim_block(const void *word, int64_t deadline)
{
    SimThread *me = sim_self;

    me->word = word;
    me->address = NULL;
    me->deadline = deadline;
    me->blocked = sim_current_run->steps;
    me->timed_out = false;
    me->state = SIM_BLOCKED;
    earliest = MIN(earliest, deadline);
    run_thread(choose(false));
    return !me->timed_out;
}

void sim_unblock(SimThread *thread)
{
    thread->state = SIM_READY;
    choose_now = true;
}

/* ---- Threads ---- */

static QEMU_NORETURN void thread_ends(void)
{
    SimThread *me = sim_self;

    if (me->at_end) {
        void (*fn)(void) = me->at_end;

        me->at_end = NULL;
        fn();
    }
    me->state = SIM_ENDED;
    for (unsigned i = 0; i < n_threads; i++) {
        if (threads[i].state == SIM_BLOCKED && threads[i].word == me) {
            /* sim_join() */
            sim_clock_join(&threads[i].clock, &me->clock);
            sim_unblock(&threads[i]);
        }
    }
    run_thread(choose(false));
    abort();
}

static void bottom(void *opaque)
{
    SimThread *me = opaque;

    me->fn(me->arg);
    thread_ends();
}

void port_thread_exit(void *result)
{
    (void)result;
    thread_ends();
}

SimThread *sim_thread_new(const char *name, void (*fn)(void *), void *arg)
{
    SimThread *t;

    if (n_threads == SIM_MAX_THREADS) {
        return NULL;
    }
    t = &threads[n_threads];
    memset(t, 0, sizeof(*t));
    t->id = n_threads++;
    snprintf(t->name, sizeof(t->name), "%.20s", name ? name : "");
    t->fn = fn;
    t->arg = arg;
    t->priority = 1 + (int64_t)sim_random(1 << 30);
    if (sim_self) {
        t->clock = sim_self->clock;
        sim_self->clock.ticks[sim_self->id]++;
    }
    t->clock.ticks[t->id] = 1;
    memcpy(t->tls, sim_tls_at_first, (size_t)(__stop_simtls - __start_simtls));
    sim_fiber_start(&t->fiber, bottom, t);
    choose_now = true;
    return t;
}

void sim_schedule_reset(void)
{
    static const unsigned means[] = { 1, 3, 10, 50 };
    const SimRun *run = sim_current_run;

    random_state = run->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    n_threads = 0;
    sim_self = NULL;
    now = 1000000000;
    earliest = INT64_MAX;
    least_priority = 0;
    in_company = 0;
    choices_by_hand = 0;
    mean = means[sim_random(ARRAY_SIZE(means))];
    /* Each other run by chance has an ordinary memory, whose loads see the newest store. */
    sim_weak = run->scheduler < SIM_ALL && sim_random(2) == 0;
    pauses_yield = run->scheduler >= SIM_ALL || sim_random(2);
    sim_plan();
}

uint32_t sim_may_go_on(void)
{
    return choices_by_hand;
}

bool sim_choose_by_hand(unsigned id)
{
    if (id >= SIM_MAX_THREADS || !(choices_by_hand >> id & 1)) {
        return false;
    }
    chosen_by_hand = &threads[id];
    choices_by_hand = 0;
    return true;
}

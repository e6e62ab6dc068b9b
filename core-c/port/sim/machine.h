/* SPDX-License-Identifier: MIT */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H
/* The simulated machine: its threads, and what its parts know of each other. */
#include "port/port.h"
#include "port/sim/sim.h"

/* SimFiber, a stack that is not running, and SIM_HERE(), the caller's caller for sim_place(). */
#include "host.h"

/* Where heap and stacks lie, if there is room: runs of the same seed have the same addresses. */
#define SIM_HEAP_AT ((void *)0x100000000000)
#define SIM_STACKS_AT ((void *)0x110000000000)

enum { SIM_MAX_THREADS = 16, SIM_TLS_MAX = 4096 };

/* ---- What differs between hosts: the folders native and wasm ---- */

/* Ends the program. */
void sim_give_up(const char *why) __attribute__((noreturn));
/* Returns memory that is zero; it is never given back. */
void *sim_map(void *at, size_t size);
/* The place that SIM_HERE() has returned, for a message; the text is valid until the next call but one. */
const char *sim_place(uint32_t here);
/* Makes a crash of the program a failure of its run. */
void sim_catch_crashes(void);

/* ---- Stacks ---- */

/* Prepares a fiber that calls fn(arg) on a stack of its own, at the first switch to it; fn never returns. */
void sim_fiber_start(SimFiber *fiber, void (*fn)(void *arg), void *arg);
void sim_fiber_switch(SimFiber *from, SimFiber *to);
/* Runs a fiber, and those that are switched to. Returns true when one of them leaves, false when one suspends the run: then
 * sim_fiber_run(NULL) resumes it. */
bool sim_fiber_run(SimFiber *first);
void sim_fiber_leave(void) __attribute__((noreturn));
void sim_fiber_suspend(void);
/* Makes all stacks free again. Nobody is on one. */
void sim_fiber_reset(void);

/* ---- Happens-before ---- */

/* How much of each thread has happened before. */
typedef struct SimClock {
    uint32_t ticks[SIM_MAX_THREADS];
} SimClock;
void sim_clock_join(SimClock *clock, const SimClock *with);

/* ---- Threads ---- */

typedef struct SimThread {
    unsigned id;
    enum { SIM_READY, SIM_BLOCKED, SIM_ENDED } state;
    char name[24];
    SimFiber fiber;
    void (*fn)(void *arg);
    void *arg;
    void (*at_end)(void);
    bool never_blocks;
    /* While it is blocked: the word that it sleeps on (NULL: none), and until when. */
    const void *word;
    int64_t deadline;
    uint64_t blocked;           /* the step since when */
    bool timed_out;
    int polls;                  /* the notifier of the fds that it waits for; 0: it does not */
    unsigned pauses;            /* since it last let others run */
    /* The next step. */
    const SimSite *site;
    const void *address;
    bool writes;
    /* The greatest runs first. */
    int64_t priority;
    SimClock clock;
    /* What relaxed loads have seen of other threads, for a fence; and what its last fence released. */
    SimClock seen, released;
    char tls[SIM_TLS_MAX];
} SimThread;

extern SimThread *sim_self;
/* What thread-locals are in a new thread. */
extern char *sim_tls_at_first;
/* Begins to choose for a run. */
void sim_schedule_reset(void);
void sim_scenario_reset(void);
void sim_steps_reset(void);
/* Whether the next step of this thread, which touches the address, counts for the next choice. */
bool sim_counts(const void *address);
/* Plans when the next choice is. */
void sim_plan(void);
/* SIM_BY_HAND: returns false if this thread cannot go on. */
bool sim_choose_by_hand(unsigned id);
/* Starts a thread. Returns NULL at the limit. */
SimThread *sim_thread_new(const char *name, void (*fn)(void *), void *arg);

/* A point where another thread may run: the step that follows is at this site, and touches (writes) the address. */
void sim_point(const SimSite *site, const void *address, bool writes);
/* The same, in a loop that waits for another thread: others run first. */
void sim_pause(const SimSite *site);
/* Blocks the thread until another one calls sim_unblock(), or until the deadline. Returns false if that has passed. */
bool sim_block(const void *word, int64_t deadline);
void sim_unblock(SimThread *thread);
/* The i-th thread that there has been in this run; NULL: there are no more. */
SimThread *sim_thread(unsigned i);
int64_t sim_now(void);
/* Returns a number below n: from the generator of the seed, or as the search has it. */
uint32_t sim_random(uint32_t n);

/* ---- Memory ---- */

/* Forgets what memory was. */
void sim_memory_reset(void);
/* Whether a load may see an older store. */
extern bool sim_weak;
void sim_heap_reset(void);
/* Fails if the address lies in memory that was freed. */
void sim_heap_check(const volatile void *address, const char *what);

/* Watches this memory for data races. */
void sim_race_watch(void *start, size_t size);
void sim_race_reset(void);
/* An access of this thread; pc is where, for the report. */
void sim_race_access(const volatile void *address, size_t size, bool writes, bool atomic, uint32_t pc);

/* ---- The record of a run ---- */

/* Whether steps are recorded. */
extern bool sim_recording;
void sim_record(const SimSite *site, const char *what, uint64_t value);
void sim_record_reset(void);
typedef struct SimStep {
    const SimSite *site;
    const char *what;
    uint64_t value, number;
    unsigned thread;
} SimStep;
/* How many steps were recorded, and the n-th, of which the last 4,096 are kept. */
uint64_t sim_recorded(void);
const SimStep *sim_recorded_step(uint64_t n);

void sim_calls_reset(void);

/* ---- Runs ---- */

typedef enum { SIM_BY_CHANCE, SIM_BY_PRIORITY, SIM_ALL, SIM_BY_HAND } SimScheduler;

typedef struct SimRun {
    uint64_t seed;
    SimScheduler scheduler;
    unsigned changes;           /* SIM_BY_PRIORITY: how often a priority changes */
    uint64_t length;            /* SIM_BY_PRIORITY: about how many steps a run has that count for a choice */
    /* Results. */
    uint64_t steps, choices;
    bool failed;
    bool pruned;                /* SIM_ALL: a run like one before */
    char message[1024];
} SimRun;
/* How a seed's run is scheduled. */
SimRun sim_planned(uint64_t seed, uint64_t length);
/* About how many steps of a run count: those of a run by chance. */
uint64_t sim_usual_length(const SimScenario *scenario);
/* Runs a scenario once. SIM_BY_HAND: only to its first choice. */
void sim_run(const SimScenario *scenario, SimRun *run);
/* SIM_BY_HAND: the thread of this number goes on, until the next choice. Returns false if it cannot go on, or if the run has ended. */
bool sim_run_on(unsigned id);
/* SIM_BY_HAND: the threads that may go on, a bit for each; 0: the run has ended. */
uint32_t sim_may_go_on(void);
extern SimRun *sim_current_run;
/* Where the counters of the program start: port/counter.h. */
extern uint32_t sim_counter_start;

/* Searches all orders of a small scenario. Returns false if one failed, which *run describes. */
bool sim_explore(const SimScenario *scenario, uint64_t most_runs, SimRun *run, uint64_t *runs, bool *complete);
/* SIM_ALL: the thread that runs next, of those whose bits are set; -1: prune this run. */
int sim_explore_pick(uint32_t ready);

#endif

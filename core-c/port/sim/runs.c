/* SPDX-License-Identifier: MIT */
/* Runs: how one begins, and how it ends. */
#include "port/sim/machine.h"

/* What the program's variables are, and were when its constructors had run. The build gives the sections of the program these names. */
extern char __start_simdata[], __stop_simdata[], __start_simbss[], __stop_simbss[], __start_simtls[], __stop_simtls[];
static char *data_at_first, *bss_at_first;
char *sim_tls_at_first;

SimRun *sim_current_run;
uint32_t sim_counter_start;
static const SimScenario *current;

void sim_fail(const char *fmt, ...)
{
    SimRun *run = sim_current_run;
    va_list args;

    va_start(args, fmt);
    vsnprintf(run->message, sizeof(run->message), fmt, args);
    va_end(args);
    run->failed = true;
    sim_fiber_leave();
}

static void keep_first(void)
{
    size_t data = (size_t)(__stop_simdata - __start_simdata), bss = (size_t)(__stop_simbss - __start_simbss);
    size_t tls = (size_t)(__stop_simtls - __start_simtls);

    if (data_at_first) {
        return;
    }
    if (tls > SIM_TLS_MAX) {
        sim_give_up("the thread-locals of the program are larger than SIM_TLS_MAX");
    }
    data_at_first = sim_map(NULL, data + bss + tls);
    bss_at_first = data_at_first + data;
    sim_tls_at_first = bss_at_first + bss;
    memcpy(data_at_first, __start_simdata, data);
    memcpy(bss_at_first, __start_simbss, bss);
    memcpy(sim_tls_at_first, __start_simtls, tls);
    sim_race_watch(__start_simdata, data);
    sim_race_watch(__start_simbss, bss);
}

static void begin(void *opaque)
{
    const SimScenario *scenario = opaque;

    scenario->run();
}

/* Lets the run go on until it ends, or to the next choice by hand. */
static void go(SimFiber *first)
{
    const SimScenario *scenario = current;
    SimRun *run = sim_current_run;

    if (!sim_fiber_run(first)) {
        return;
    }
    if (scenario->panics && run->failed && strstr(run->message, scenario->panics)) {
        run->failed = false;
    } else if (scenario->panics && !run->failed) {
        run->failed = true;
        snprintf(run->message, sizeof(run->message), "it ends without the message '%s'", scenario->panics);
    }
}

/* In one run of ten, counters wrap after a few steps. */
static uint32_t counter_start(const SimRun *run)
{
    return run->scheduler < SIM_ALL && run->seed % 10 == 9 ? -(uint32_t)(run->seed / 10 % 12) - 1 : 0;
}

void sim_run(const SimScenario *scenario, SimRun *run)
{
    keep_first();
    memcpy(__start_simdata, data_at_first, (size_t)(__stop_simdata - __start_simdata));
    memcpy(__start_simbss, bss_at_first, (size_t)(__stop_simbss - __start_simbss));
    memcpy(__start_simtls, sim_tls_at_first, (size_t)(__stop_simtls - __start_simtls));
    sim_fiber_reset();
    sim_heap_reset();
    sim_memory_reset();
    sim_race_reset();
    sim_record_reset();
    sim_calls_reset();
    sim_current_run = run;
    run->steps = run->choices = 0;
    run->failed = run->pruned = false;
    sim_counter_start = counter_start(run);
    sim_steps_reset();
    sim_scenario_reset();
    sim_schedule_reset();
    sim_catch_crashes();
    current = scenario;
    sim_self = sim_thread_new("main", begin, (void *)(uintptr_t)scenario);
    go(&sim_self->fiber);
}

bool sim_run_on(unsigned id)
{
    if (!sim_choose_by_hand(id)) {
        return false;
    }
    go(NULL);
    return true;
}

SimRun sim_planned(uint64_t seed, uint64_t length)
{
    return (SimRun){
        .seed = seed,
        .scheduler = seed % 3 ? SIM_BY_PRIORITY : SIM_BY_CHANCE,
        .changes = 1 + (unsigned)(seed / 3 % 6),
        .length = length,
    };
}

uint64_t sim_usual_length(const SimScenario *scenario)
{
    SimRun run = { .scheduler = SIM_BY_CHANCE };

    sim_run(scenario, &run);
    return run.failed ? 1000 : run.choices;
}

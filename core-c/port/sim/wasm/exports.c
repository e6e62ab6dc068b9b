/* SPDX-License-Identifier: MIT */
/* What JavaScript calls: test/sim/simulator.mjs. Scenarios are known by their number; texts end with a zero byte. */
#include "port/sim/machine.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

extern const SimScenario __start_simscenarios[], __stop_simscenarios[];
/* Every place in the source that is a step, so that the build can add their lines to the module. */
extern const SimSite __start_simsites[], __stop_simsites[];

static SimRun run;
/* The length of a scenario's runs, which a search asks for once. */
static uint32_t measured;
static uint64_t length;

static const SimScenario *scenario(uint32_t n)
{
    return &__start_simscenarios[n];
}

static SimRun planned(uint32_t n, uint64_t seed)
{
    if (measured != n + 1) {
        sim_recording = false;
        length = sim_usual_length(scenario(n));
        measured = n + 1;
    }
    return sim_planned(seed, length);
}

/* Once, before anything else: runs the constructors. */
extern void __wasm_call_ctors(void);
void EXPORT(_initialize)(void);
void _initialize(void)
{
    __wasm_call_ctors();
}

uint32_t EXPORT(sim_scenarios)(void);
uint32_t sim_scenarios(void)
{
    return (uint32_t)(__stop_simscenarios - __start_simscenarios);
}

const char *EXPORT(sim_scenario_name)(uint32_t n);
const char *sim_scenario_name(uint32_t n)
{
    return scenario(n)->name;
}

const char *EXPORT(sim_scenario_what)(uint32_t n);
const char *sim_scenario_what(uint32_t n)
{
    return scenario(n)->what;
}

bool EXPORT(sim_scenario_small)(uint32_t n);
bool sim_scenario_small(uint32_t n)
{
    return scenario(n)->small;
}

const SimSite *EXPORT(sim_site)(uint32_t n);
const SimSite *sim_site(uint32_t n)
{
    return n < (size_t)(__stop_simsites - __start_simsites) ? &__start_simsites[n] : NULL;
}

bool EXPORT(sim_run_seed)(uint32_t n, double seed, bool record);
bool sim_run_seed(uint32_t n, double seed, bool record)
{
    run = planned(n, (uint64_t)seed);
    sim_recording = record;
    sim_run(scenario(n), &run);
    return !run.failed;
}

/* Tries seeds until one fails, and returns how many have passed. */
double EXPORT(sim_search)(uint32_t n, double from, double seeds);
double sim_search(uint32_t n, double from, double seeds)
{
    uint64_t steps = 0, tried;

    for (tried = 0; tried < (uint64_t)seeds; tried++) {
        run = planned(n, (uint64_t)from + tried);
        sim_recording = false;
        sim_run(scenario(n), &run);
        steps += run.steps;
        if (run.failed) {
            break;
        }
    }
    run.steps = steps;
    return (double)tried;
}

/* Tries all orders of a small scenario, and returns how many there were; negative: the bound was hit. */
double EXPORT(sim_search_all)(uint32_t n, double most);
double sim_search_all(uint32_t n, double most)
{
    uint64_t runs;
    bool complete;

    run = (SimRun){ .seed = 0 };
    sim_recording = true;
    sim_explore(scenario(n), (uint64_t)most, &run, &runs, &complete);
    return run.failed || complete ? (double)runs : -(double)runs;
}

/* Begins a run whose orders JavaScript chooses. */
void EXPORT(sim_begin)(uint32_t n);
void sim_begin(uint32_t n)
{
    run = (SimRun){ .scheduler = SIM_BY_HAND };
    sim_recording = true;
    sim_run(scenario(n), &run);
}

bool EXPORT(sim_go_on)(uint32_t thread);
bool sim_go_on(uint32_t thread)
{
    return sim_run_on(thread);
}

uint32_t EXPORT(sim_ready)(void);
uint32_t sim_ready(void)
{
    return sim_may_go_on();
}

/* ---- Threads of the run ---- */

const char *EXPORT(sim_thread_name)(uint32_t n);
const char *sim_thread_name(uint32_t n)
{
    const SimThread *t = sim_thread(n);

    return t ? t->name : NULL;
}

uint32_t EXPORT(sim_thread_state)(uint32_t n);
uint32_t sim_thread_state(uint32_t n)
{
    return (uint32_t)sim_thread(n)->state;
}

/* The step that a thread takes next. */
const SimSite *EXPORT(sim_thread_site)(uint32_t n);
const SimSite *sim_thread_site(uint32_t n)
{
    return sim_thread(n)->site;
}

/* ---- The result of the run ---- */

const char *EXPORT(sim_message)(void);
const char *sim_message(void)
{
    return run.failed ? run.message : NULL;
}

double EXPORT(sim_steps)(void);
double sim_steps(void)
{
    return (double)run.steps;
}

double EXPORT(sim_seed)(void);
double sim_seed(void)
{
    return (double)run.seed;
}

uint32_t EXPORT(sim_record_length)(void);
uint32_t sim_record_length(void)
{
    return (uint32_t)sim_recorded();
}

const SimStep *EXPORT(sim_record_step)(uint32_t n);
const SimStep *sim_record_step(uint32_t n)
{
    return sim_recorded_step(n);
}

/* JavaScript caught a trap. Returns where it may write a text, of at most 200 bytes, that says which. */
char *EXPORT(sim_trapped)(void);
char *sim_trapped(void)
{
    SimRun *of = sim_current_run;

    of->failed = true;
    return of->message + snprintf(of->message, sizeof(of->message), "thread '%s' ends with ", sim_self ? sim_self->name : "");
}

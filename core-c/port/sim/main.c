/* SPDX-License-Identifier: MIT */
/*
 * The command: runs the scenarios that are linked with it.
 *
 *   [--seeds=N] [--from=SEED] [--first] [scenario...]    --first: ends at the first failure
 *   --exhaustive [--most-runs=N] [scenario...]           all orders of the small scenarios
 *   --seed=SEED scenario    that run again, with its last steps
 *   --list
 */
#include "port/sim/machine.h"

extern const SimScenario __start_simscenarios[], __stop_simscenarios[];

static const char *option(const char *arg, const char *name)
{
    size_t length = strlen(name);

    return strncmp(arg, name, length) == 0 && arg[length] == '=' ? arg + length + 1 : NULL;
}

static uint64_t number(const char *text, const char *name)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (!*text || *end) {
        fprintf(stderr, "sim: %s takes a number, not '%s'\n", name, text);
        exit(2);
    }
    return value;
}

/* How a seed's run is scheduled. */
static SimRun planned(uint64_t seed, uint64_t length)
{
    return (SimRun){
        .seed = seed,
        .scheduler = seed % 3 ? SIM_BY_PRIORITY : SIM_BY_CHANCE,
        .changes = 1 + (unsigned)(seed / 3 % 6),
        .length = length,
    };
}

/* About how many steps of a run count: those of a run by chance. */
static uint64_t usual_length(const SimScenario *scenario)
{
    SimRun run = { .scheduler = SIM_BY_CHANCE };

    sim_run(scenario, &run);
    return run.failed ? 1000 : run.choices;
}

static void report(const SimScenario *scenario, const SimRun *run, bool with_seed)
{
    printf("FAILED %s: %s\n", scenario->name, run->message);
    sim_print_record(stdout);
    if (with_seed) {
        printf("  again: --seed=%" PRIu64 " %s\n", run->seed, scenario->name);
    }
}

static bool try_seeds(const SimScenario *scenario, uint64_t from, uint64_t seeds, uint64_t *steps)
{
    uint64_t length = usual_length(scenario);

    *steps = 0;
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        SimRun run = planned(seed, length);

        sim_recording = false;
        sim_run(scenario, &run);
        *steps += run.steps;
        if (run.failed) {
            sim_recording = true;
            run = planned(seed, length);
            sim_run(scenario, &run);
            report(scenario, &run, true);
            return false;
        }
    }
    return true;
}

static bool run_one(const SimScenario *scenario, uint64_t seed)
{
    SimRun run = planned(seed, usual_length(scenario));

    sim_recording = true;
    sim_run(scenario, &run);
    if (run.failed) {
        report(scenario, &run, true);
    } else {
        sim_print_record(stdout);
        printf("%s: seed %" PRIu64 " finds nothing in %" PRIu64 " steps\n", scenario->name, seed, run.steps);
    }
    return !run.failed;
}

static bool search(const SimScenario *scenario, uint64_t most_runs)
{
    SimRun run = { .seed = 0 };
    uint64_t runs;
    bool complete;

    sim_recording = true;
    if (!sim_explore(scenario, most_runs, &run, &runs, &complete)) {
        report(scenario, &run, false);
        return false;
    }
    printf("%-24s %10" PRIu64 " orders, %s\n", scenario->name, runs, complete ? "all there are" : "not all: the bound was hit");
    return true;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 200, from = 0, seed = 0, most_runs = 200000;
    bool one = false, exhaustive = false, first = false;
    unsigned named = 0, passed = 0, failed = 0;
    const char *value;

    for (int i = 1; i < argc; i++) {
        if ((value = option(argv[i], "--seeds"))) {
            seeds = number(value, "--seeds");
        } else if ((value = option(argv[i], "--from"))) {
            from = number(value, "--from");
        } else if ((value = option(argv[i], "--most-runs"))) {
            most_runs = number(value, "--most-runs");
        } else if ((value = option(argv[i], "--seed"))) {
            seed = number(value, "--seed");
            one = true;
        } else if (strcmp(argv[i], "--exhaustive") == 0) {
            exhaustive = true;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            for (const SimScenario *s = __start_simscenarios; s < __stop_simscenarios; s++) {
                printf("%-24s %s\n", s->name, s->what);
            }
            return 0;
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "sim: unknown option %s; there are --seeds=N, --from=SEED, --first, --seed=SEED, --exhaustive, "
                    "--most-runs=N, --list\n", argv[i]);
            return 2;
        } else {
            bool known = false;

            for (const SimScenario *s = __start_simscenarios; s < __stop_simscenarios; s++) {
                known = known || strcmp(s->name, argv[i]) == 0;
            }
            if (!known) {
                fprintf(stderr, "sim: no scenario %s; --list names them\n", argv[i]);
                return 2;
            }
            argv[1 + named++] = argv[i];
        }
    }
    for (const SimScenario *s = __start_simscenarios; s < __stop_simscenarios; s++) {
        bool chosen = named == 0;
        uint64_t steps;
        bool ok;

        for (unsigned i = 0; i < named; i++) {
            chosen = chosen || strcmp(argv[1 + i], s->name) == 0;
        }
        if (!chosen || (exhaustive && !s->small)) {
            continue;
        }
        if (exhaustive) {
            ok = search(s, most_runs);
        } else if (one) {
            ok = run_one(s, seed);
        } else {
            ok = try_seeds(s, from, seeds, &steps);
            if (ok) {
                printf("%-24s %10" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " steps\n", s->name, seeds, from, steps);
            }
        }
        passed += ok;
        failed += !ok;
        if (failed && first) {
            break;
        }
    }
    printf("sim: %u passed, %u failed\n", passed, failed);
    return failed > 0;
}

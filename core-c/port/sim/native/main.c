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

enum { PRINTED = 120 };

/* Reads a line of a source file, without the blanks around it. */
static const char *source_line(const char *file, int line)
{
    static char text[256];
    FILE *source = fopen(file, "r");
    char *start = text, *end;

    text[0] = '\0';
    for (int n = 0; source && n < line && fgets(text, sizeof(text), source); n++) {
        continue;
    }
    if (source) {
        fclose(source);
    }
    start += strspn(start, " \t");
    end = start + strlen(start);
    while (end > start && strchr(" \t\n", end[-1])) {
        end--;
    }
    *end = '\0';
    return start;
}

static void print_record(FILE *to)
{
    uint64_t count = sim_recorded(), first = count > PRINTED ? count - PRINTED : 0;

    if (first) {
        fprintf(to, "  (%" PRIu64 " steps before)\n", sim_recorded_step(first)->number);
    }
    for (uint64_t n = first; n < count; n++) {
        const SimStep *step = sim_recorded_step(n);
        char what[160], where[80];
        const char *name = strrchr(step->site->file, '/');

        snprintf(what, sizeof(what), "%.40s %s %" PRId64, step->site->text, step->what, (int64_t)step->value);
        snprintf(where, sizeof(where), "%s:%d", name ? name + 1 : step->site->file, step->site->line);
        fprintf(to, "%7" PRIu64 " %*s%-12s %-52s %-22s %s\n", step->number, (int)(2 * step->thread), "",
                sim_thread(step->thread)->name, what, where, source_line(step->site->file, step->site->line));
    }
}

static void report(const SimScenario *scenario, const SimRun *run, bool with_seed)
{
    printf("FAILED %s: %s\n", scenario->name, run->message);
    print_record(stdout);
    if (with_seed) {
        printf("  again: --seed=%" PRIu64 " %s\n", run->seed, scenario->name);
    }
}

static bool try_seeds(const SimScenario *scenario, uint64_t from, uint64_t seeds, uint64_t *steps)
{
    uint64_t length = sim_usual_length(scenario);

    *steps = 0;
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        SimRun run = sim_planned(seed, length);

        sim_recording = false;
        sim_run(scenario, &run);
        *steps += run.steps;
        if (run.failed) {
            sim_recording = true;
            run = sim_planned(seed, length);
            sim_run(scenario, &run);
            report(scenario, &run, true);
            return false;
        }
    }
    return true;
}

static bool run_one(const SimScenario *scenario, uint64_t seed)
{
    SimRun run = sim_planned(seed, sim_usual_length(scenario));

    sim_recording = true;
    sim_run(scenario, &run);
    if (run.failed) {
        report(scenario, &run, true);
    } else {
        print_record(stdout);
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

/* SPDX-License-Identifier: MIT */
/* The record of a run: its last steps, printed beside the lines of the source. */
#include "port/sim/machine.h"

enum { KEPT = 4096, PRINTED = 120 };

typedef struct Step {
    const SimSite *site;
    const char *what;
    uint64_t value, number;
    unsigned thread;
} Step;

static Step steps[KEPT];
static uint64_t count;
bool sim_recording;

void sim_record_reset(void)
{
    count = 0;
}

void sim_record(const SimSite *site, const char *what, uint64_t value)
{
    steps[count++ % KEPT] = (Step){ site, what, value, sim_current_run->steps, sim_self->id };
}

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

void sim_print_record(FILE *to)
{
    uint64_t first = count > PRINTED ? count - PRINTED : 0;

    if (first) {
        fprintf(to, "  (%" PRIu64 " steps before)\n", steps[first % KEPT].number);
    }
    for (uint64_t n = first; n < count; n++) {
        const Step *step = &steps[n % KEPT];
        char what[160], where[80];
        const char *name = strrchr(step->site->file, '/');

        snprintf(what, sizeof(what), "%.40s %s %" PRId64, step->site->text, step->what, (int64_t)step->value);
        snprintf(where, sizeof(where), "%s:%d", name ? name + 1 : step->site->file, step->site->line);
        fprintf(to, "%7" PRIu64 " %*s%-12s %-52s %-22s %s\n", step->number, (int)(2 * step->thread), "",
                sim_thread(step->thread)->name, what, where, source_line(step->site->file, step->site->line));
    }
}

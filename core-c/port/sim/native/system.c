/* SPDX-License-Identifier: MIT */
/* Memory, crashes, and where an instruction is in the source. */
#include "port/sim/machine.h"

#include <signal.h>
#include <sys/mman.h>

void sim_give_up(const char *why)
{
    fprintf(stderr, "sim: %s\n", why);
    exit(2);
}

void *sim_map(void *at, size_t size)
{
    void *memory = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        sim_give_up("no memory");
    }
    return memory;
}

const char *sim_place(uint32_t pc)
{
    static char texts[2][160];
    static unsigned n;
    char command[120], *text = texts[n++ % 2], *end;
    FILE *pipe;

    snprintf(text, sizeof(texts[0]), "0x%x", pc);
    snprintf(command, sizeof(command), "addr2line -s -e /proc/%d/exe 0x%x 2>/dev/null", (int)getpid(), pc - 1);
    if (pc && (pipe = popen(command, "r"))) {
        char line[160];

        if (fgets(line, sizeof(line), pipe) && line[0] != '?') {
            snprintf(text, sizeof(texts[0]), "%s", line);
        }
        pclose(pipe);
    }
    if ((end = strpbrk(text, "\n"))) {
        *end = '\0';
    }
    return text;
}

/* A program that crashes has failed as one that says so. */
static void on_signal(int number)
{
    sim_fail("thread '%s' ends with signal %d, %s", sim_self ? sim_self->name : "", number, strsignal(number));
}

void sim_catch_crashes(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    static char stack[64 * 1024];
    static bool done;
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER };

    if (done) {
        return;
    }
    done = true;
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        sigaction(numbers[i], &action, NULL);
    }
}


void __assert_fail(const char *assertion, const char *file, unsigned int line, const char *function)
{
    sim_fail("%s:%u: %s: assertion failed: %s", file, line, function, assertion);
}

/* SPDX-License-Identifier: MIT */
/* Memory, and what the program takes from libc that would want a system. */
#include "port/sim/machine.h"

/* JavaScript: throws an error. */
__attribute__((import_module("sim"), import_name("give_up"), noreturn)) void sim_js_give_up(const char *why);
/* JavaScript: the access of this number is being made. */
__attribute__((import_module("sim"), import_name("access"))) void sim_js_access(uint32_t number);

/* The number of an access, and those of which JavaScript wants to know where they are. */
static uint32_t accesses;
static uint32_t wanted[2];

uint32_t sim_count_access(void)
{
    accesses++;
    if (accesses == wanted[0] || accesses == wanted[1]) {
        sim_js_access(accesses);
    }
    return accesses;
}

__attribute__((export_name("sim_want_accesses"))) void sim_want_accesses(uint32_t a, uint32_t b);
void sim_want_accesses(uint32_t a, uint32_t b)
{
    wanted[0] = a;
    wanted[1] = b;
}

const char *sim_place(uint32_t here)
{
    static char texts[2][24];
    static unsigned n;
    char *text = texts[n++ % 2];

    snprintf(text, sizeof(texts[0]), "access %" PRIu32, here);
    return text;
}

void sim_catch_crashes(void)
{
    accesses = 0;
}

void sim_give_up(const char *why)
{
    sim_js_give_up(why);
}

void *sim_map(void *at, size_t size)
{
    static char *free_from, *free_to;
    char *memory;

    (void)at;
    size = ROUND_UP(size, (size_t)64);
    if ((size_t)(free_to - free_from) < size) {
        size_t pages = size / 65536 + 16, n = __builtin_wasm_memory_grow(0, pages);

        if (n == SIZE_MAX) {
            sim_give_up("no memory");
        }
        free_from = (char *)(n * 65536);
        free_to = free_from + pages * 65536;
    }
    memory = free_from;
    free_from += size;
    return memory;
}

/* What the program writes to stderr before it ends is what the run ends with. */
FILE *const stderr;
static char written[256];

int fprintf(FILE *stream, const char *fmt, ...)
{
    va_list args;
    int length;

    (void)stream;
    va_start(args, fmt);
    length = vsnprintf(written, sizeof(written), fmt, args);
    va_end(args);
    return length;
}

int fiprintf(FILE *stream, const char *fmt, ...) __attribute__((alias("fprintf")));

void exit(int status)
{
    sim_fail("exit(%d): %s", status, written);
}

void abort(void)
{
    sim_fail("abort()");
}

void *emscripten_return_address(int level);
void *emscripten_return_address(int level)
{
    (void)level;
    return NULL;
}

void __assert_fail(const char *assertion, const char *file, int line, const char *function)
{
    sim_fail("%s:%d: %s: assertion failed: %s", file, line, function, assertion);
}

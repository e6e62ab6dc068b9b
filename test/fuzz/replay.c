/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer:
 *   fuzz-TARGET FILE...                  the inputs in the files
 *   fuzz-TARGET --seconds=N --seed=S     random ones; input i is made of the seed S + i,
 *                                        whose number is printed before
 *   fuzz-TARGET --seed=S                 that one
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_RANDOM = 600, MAX_FILE = 1 << 16, INPUT_SECONDS = 120 };

static void run(const uint8_t *data, size_t size)
{
    /* A copy of its size, so that reading past its end is found. */
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, data, size);
    alarm(INPUT_SECONDS);          /* a wake-up that is lost ends here */
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
}

static bool run_file(const char *path)
{
    static uint8_t data[MAX_FILE];
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return false;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    run(data, size);
    return true;
}

/* splitmix64: equal seeds give equal inputs on every machine. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void run_random(uint64_t seed)
{
    uint8_t data[MAX_RANDOM];
    uint64_t state = seed;
    size_t size = next(&state) % (MAX_RANDOM + 1);

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)next(&state);
    }
    printf("--seed=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    run(data, size);
}

int main(int argc, char **argv)
{
    uint64_t seed = 0, seconds = 0;
    bool is_random = false;

    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--seed=", 7)) {
            seed = strtoull(argv[i] + 7, NULL, 10);
            is_random = true;
        } else if (!strncmp(argv[i], "--seconds=", 10)) {
            seconds = strtoull(argv[i] + 10, NULL, 10);
        } else if (!run_file(argv[i])) {
            return 2;
        }
    }
    if (is_random) {
        time_t end = time(NULL) + (time_t)seconds;

        do {
            run_random(seed++);
        } while (time(NULL) < end);
    }
    return 0;
}

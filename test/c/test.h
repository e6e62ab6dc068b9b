/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H
/*
 * A test program is a table of tests:
 *
 *     static void adds_up(void) { ASSERT_INT_EQ(1 + 1, 2); }
 *     static void aborts(void) { port_panic("so it goes"); }
 *     TEST_PROGRAM(
 *         TEST(adds_up),
 *         TEST_PANICS(aborts, "so it goes"),
 *     )
 *
 * It is named after its file. All programs are linked into one executable, or one
 * module, whose main() is in main.c; each test runs in a process, or an instance, of
 * its own. Tests may use nothing but libc and the loop's own headers: the same
 * sources run in WebAssembly.
 */
#include "qemu/atomic.h"
#include "qemu/osdep.h"
#include "qemu/timer.h"

typedef struct TestCase {
    const char *name;
    void (*run)(void);
    const char *panics;        /* NULL: it does not */
} TestCase;

typedef struct TestProgram TestProgram;
struct TestProgram {
    const char *file;
    const TestCase *tests;
    size_t count;
    TestProgram *next;
};

/* Called before main(). */
void test_register(TestProgram *program);

#define TEST(name) { #name, name, NULL }
#define TEST_PANICS(name, substring) { #name, name, substring }

/* ---- Assertions, in any thread ---- */

#define TEST_FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
QEMU_NORETURN __attribute__((format(printf, 3, 4)))
static inline void test_fail(const char *file, int line, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    fflush(NULL);
    /* Other threads may run still: no clean exit. */
    _Exit(1);
}

#define ASSERT_TRUE(expr)                                                    \
    do {                                                                     \
        if (!(expr)) {                                                       \
            TEST_FAIL("%s is false", #expr);                                 \
        }                                                                    \
    } while (0)
#define ASSERT_FALSE(expr)                                                   \
    do {                                                                     \
        if (expr) {                                                          \
            TEST_FAIL("%s is true", #expr);                                  \
        }                                                                    \
    } while (0)

#define ASSERT_INT_OP_(a, op, b)                                             \
    do {                                                                     \
        intmax_t a_ = (intmax_t)(a), b_ = (intmax_t)(b);                     \
        if (!(a_ op b_)) {                                                   \
            TEST_FAIL("%s " #op " %s: %jd and %jd", #a, #b, a_, b_);         \
        }                                                                    \
    } while (0)
#define ASSERT_INT_EQ(a, b) ASSERT_INT_OP_(a, ==, b)
#define ASSERT_INT_NE(a, b) ASSERT_INT_OP_(a, !=, b)
#define ASSERT_INT_LT(a, b) ASSERT_INT_OP_(a, <, b)
#define ASSERT_INT_LE(a, b) ASSERT_INT_OP_(a, <=, b)
#define ASSERT_INT_GT(a, b) ASSERT_INT_OP_(a, >, b)
#define ASSERT_INT_GE(a, b) ASSERT_INT_OP_(a, >=, b)

#define ASSERT_PTR_OP_(a, op, b)                                             \
    do {                                                                     \
        const void *a_ = (a), *b_ = (b);                                     \
        if (!(a_ op b_)) {                                                   \
            TEST_FAIL("%s " #op " %s: %p and %p", #a, #b, a_, b_);           \
        }                                                                    \
    } while (0)
#define ASSERT_PTR_EQ(a, b) ASSERT_PTR_OP_(a, ==, b)
#define ASSERT_PTR_NE(a, b) ASSERT_PTR_OP_(a, !=, b)

#define ASSERT_STR_EQ(a, b)                                                  \
    do {                                                                     \
        const char *a_ = (a), *b_ = (b);                                     \
        if (strcmp(a_, b_)) {                                                \
            TEST_FAIL("%s == %s: \"%s\" and \"%s\"", #a, #b, a_, b_);        \
        }                                                                    \
    } while (0)

/* ---- Skipping, in the test's own function ---- */

extern bool test_was_skipped;

#define TEST_SKIP(reason)                                                    \
    do {                                                                     \
        fprintf(stderr, "skipped: %s\n", (reason));                          \
        test_was_skipped = true;                                             \
        return;                                                              \
    } while (0)

/* ---- Files ---- */

/*
 * An fd of an empty file without a name; in memory, if that can be had: flushing to a
 * busy disk may take seconds. In WebAssembly the test is skipped where a program has no
 * directories (on Deno, in a page).
 */
static inline int test_file(void)
{
    static const char *const places[] = { "/dev/shm", "/tmp" };
    char path[64];
    int fd = -1;

    for (int i = 0; i < 2 && fd < 0; i++) {
        snprintf(path, sizeof(path), "%s/wasm-aio-XXXXXX", places[i]);
        fd = mkstemp(path);
    }
#if defined(__wasm__)
    if (fd < 0) {
        fprintf(stderr, "skipped: a program has no files here\n");
        exit(77);
    }
#endif
    ASSERT_INT_GE(fd, 0);
    unlink(path);
    return fd;
}

/* ---- Chance ---- */

/* Of this run: TEST_SEED from the environment, or by the clock; printed. */
static inline uint64_t test_seed(void)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0)
                          : (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    fprintf(stderr, "TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* The next number of a sequence (splitmix64). */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* TEST_LONG in the environment asks for many times the work. */
static inline int test_rounds(int quick)
{
    return getenv("TEST_LONG") ? quick * 20 : quick;
}

/* ---- The table ---- */

#define TEST_PROGRAM(...)                                                    \
    __attribute__((constructor)) static void register_tests(void)            \
    {                                                                        \
        static const TestCase tests[] = { __VA_ARGS__ };                     \
        static TestProgram program = { __FILE__, tests, ARRAY_SIZE(tests),   \
                                       NULL };                               \
        test_register(&program);                                             \
    }

#endif

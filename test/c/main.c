/* SPDX-License-Identifier: MIT */
/*
 * The main() of all test programs (see test.h):
 *
 *     tests --list           every test, one a line: PROGRAM/NAME, and behind it
 *                            " panics TEXT" if it has to end by such a panic
 *     tests PROGRAM NAME     runs one test
 *     tests PROGRAM          runs those of the program that do not panic
 *
 * Exit code 0: passed, 77: skipped (the reason is on standard error), 1: failed.
 */
#include "test.h"

bool test_was_skipped;
static TestProgram *programs;

void test_register(TestProgram *program)
{
    program->next = programs;
    programs = program;
}

/* The length of a program's name, which starts at *name: its file's without .c. */
static int name_of(const TestProgram *program, const char **name)
{
    const char *slash = strrchr(program->file, '/');

    *name = slash ? slash + 1 : program->file;
    return (int)(strrchr(*name, '.') - *name);
}

static int list(void)
{
    for (const TestProgram *program = programs; program; program = program->next) {
        const char *name;
        int length = name_of(program, &name);

        for (size_t i = 0; i < program->count; i++) {
            const TestCase *test = &program->tests[i];
            printf("%.*s/%s%s%s\n", length, name, test->name,
                   test->panics ? " panics " : "",
                   test->panics ? test->panics : "");
        }
    }
    return 0;
}

static const TestProgram *find(const char *wanted)
{
    for (const TestProgram *program = programs; program; program = program->next) {
        const char *name;
        size_t length = name_of(program, &name);

        if (strlen(wanted) == length && !strncmp(name, wanted, length)) {
            return program;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const TestProgram *program;
    const char *wanted = argc > 2 ? argv[2] : NULL;
    bool found = false;

    if (argc < 2) {
        fprintf(stderr, "usage: tests --list | PROGRAM [TEST]\n");
        return 1;
    }
    if (!strcmp(argv[1], "--list")) {
        return list();
    }
    program = find(argv[1]);
    for (size_t i = 0; program && i < program->count; i++) {
        const TestCase *test = &program->tests[i];

        if (wanted ? !strcmp(wanted, test->name) : !test->panics) {
            found = true;
            test->run();
        }
    }
    if (!found) {
        fprintf(stderr, "no test '%s' in '%s'\n", wanted ? wanted : "", argv[1]);
        return 1;
    }
    return wanted && test_was_skipped ? 77 : 0;
}

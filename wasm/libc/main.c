/* SPDX-License-Identifier: MIT */
/*
 * A program's main(), in either of its forms.
 *
 * clang names `int main(int, char **)` __main_argc_argv and gives `int main(void)`
 * the alias __main_void. Both references are weak, so a module without a program
 * links too; and libc's own __main_void, which would ask WASI for the arguments,
 * is not linked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stdout.h"

int __main_argc_argv(int argc, char **argv) __attribute__((weak));
int __main_void(void) __attribute__((weak));
/* Calls main(). The runtime calls it in the program's first thread. The result of
 * main() is the program's exit code; output is written and the functions of
 * atexit() run only if the caller passes it to exit(). */
int aio_call_main(int argc, char **argv);

/* What warn() and err() begin with; linked only where a program uses it. */
extern char *__progname __attribute__((weak)), *__progname_full __attribute__((weak));

static void name_program(char *path)
{
    char *slash = strrchr(path, '/');

    if (&__progname) {
        __progname = slash ? slash + 1 : path;
    }
    if (&__progname_full) {
        __progname_full = path;
    }
}

int aio_call_main(int argc, char **argv)
{
    if (argc > 0) {
        name_program(argv[0]);
    }
    if (stdout_begin) {
        stdout_begin();
    }
    if (__main_argc_argv) {
        return __main_argc_argv(argc, argv);
    }
    if (__main_void) {
        return __main_void();
    }
    fprintf(stderr, "this module has no main()\n");
    return 127;
}

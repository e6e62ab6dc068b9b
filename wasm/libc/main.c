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

#include "stdout.h"

int __main_argc_argv(int argc, char **argv) __attribute__((weak));
int __main_void(void) __attribute__((weak));
/* Calls main(). The runtime calls it in the program's first thread. The result of
 * main() is the program's exit code; output is written and the functions of
 * atexit() run only if the caller passes it to exit(). */
int aio_call_main(int argc, char **argv);

int aio_call_main(int argc, char **argv)
{
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

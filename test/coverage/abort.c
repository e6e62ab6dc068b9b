/* SPDX-License-Identifier: MIT */
/* A test that has to panic ends by abort(), which does not write what gcov has counted. */
#include <signal.h>

#include "../fail-nth/fail.h"

void __gcov_dump(void);

static void on_abort(int number)
{
    for (int kind = 0; kind < FAIL_KINDS; kind++) {
        fail_nth((FailKind)kind, 0, false);      /* gcov needs memory */
    }
    __gcov_dump();
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((constructor)) static void catch_abort(void)
{
    signal(SIGABRT, on_abort);
}

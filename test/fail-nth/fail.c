/* SPDX-License-Identifier: MIT */
#include "fail.h"
#include "qemu/atomic.h"

typedef struct Plan {
    unsigned calls;            /* since it was made */
    unsigned first, last;      /* of those that fail */
} Plan;

static Plan plans[FAIL_KINDS];

static const int errors[FAIL_KINDS] = {
    [FAIL_MEMORY] = ENOMEM,
    [FAIL_THREAD] = EAGAIN,
    [FAIL_THREAD_LATE] = EAGAIN,
    [FAIL_FD] = EMFILE,
    [FAIL_IO] = EIO,
    [FAIL_BUSY] = 0,
};
static int now;                /* errors[] of the last fail_nth(), 0 if nothing fails */

void fail_nth(FailKind kind, unsigned n, bool on)
{
    Plan *plan = &plans[kind];

    qatomic_mb_set(&now, n ? errors[kind] : 0);
    qatomic_mb_set(&plan->first, UINT_MAX);
    qatomic_mb_set(&plan->calls, 0);
    qatomic_mb_set(&plan->last, on ? UINT_MAX - 1 : n);
    qatomic_mb_set(&plan->first, n ? n : UINT_MAX);
}

bool fail_has_come(FailKind kind)
{
    return qatomic_mb_read(&plans[kind].calls) >= qatomic_read(&plans[kind].first);
}

int fail_errno(void)
{
    return qatomic_mb_read(&now);
}

bool fail_now(FailKind kind)
{
    Plan *plan = &plans[kind];
    unsigned first = qatomic_read(&plan->first), call;

    if (first == 0 || first == UINT_MAX) {
        return false;
    }
    call = qatomic_fetch_inc(&plan->calls) + 1;
    return call >= first && call <= qatomic_read(&plan->last);
}

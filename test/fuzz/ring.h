/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_RING_H
#define FUZZ_RING_H

#include <stdbool.h>

/* Whether contexts that are made from now on get a ring of the kernel's. A ring takes
 * 10 ms to go, so that most runs have none: their loop looks at each fd. */
extern bool ring_wanted;

#endif

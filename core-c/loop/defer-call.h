/* SPDX-License-Identifier: MIT */
#ifndef LOOP_DEFER_CALL_H
#define LOOP_DEFER_CALL_H
#include "qemu/defer-call.h"
#include <stdbool.h>

/* Returns true if the calling thread has a section open, so that defer_call()
 * defers. */
bool defer_call_is_open(void);

#endif

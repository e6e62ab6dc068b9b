/* SPDX-License-Identifier: MIT */
#ifndef PARTS_H
#define PARTS_H
/*
 * What test-fail-nth.c does while calls fail: each function uses one kind of object in the home
 * thread of a context. It returns true if everything worked, and false if something was refused;
 * whatever it has made is given back then. An error that is not the one of the call that failed
 * (fail_errno) fails the test.
 */
#include "block/aio.h"
#include "qapi/error.h"

typedef bool Part(AioContext *ctx);

Part use_nothing, use_bottom_halves, use_timers, use_handlers, use_many_handlers, use_threads,
     use_native, use_io_uring, use_sync, use_coroutines, use_iothread, use_thread, use_errors;

/* Opens the file that the engines read, and that coroutines read. */
void part_open_file(void);
void part_close_file(void);
/* Frees an error, and fails the test if it is not that of the call that failed. */
void part_take_refusal(Error *err);

#endif

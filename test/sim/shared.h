/* SPDX-License-Identifier: MIT */
#ifndef TEST_SIM_SHARED_H
#define TEST_SIM_SHARED_H
/* The functions of wasm/runtime/handle.c and calls.c that TypeScript calls: no header declares them. */
#include "runtime/runtime.h"

void rt_handles_init(uint32_t seed);
uint32_t rt_handles_open(void);
uint32_t rt_handle_generation(uint32_t number);
void *rt_handle_enter(uint32_t number, uint32_t generation);
void rt_handle_leave(uint32_t number);
bool rt_handle_signal(uint32_t number, uint32_t generation);
int rt_handle_test_and_clear(uint32_t number, uint32_t generation);
bool rt_handle_close(uint32_t number, uint32_t generation);
int rt_loop_handle(AioContext *ctx);
const char *rt_await_begin(uint32_t number, uint32_t generation);
void rt_await_end(void);
void rt_await(CallRing *ring, uint32_t seen, CallRing *also, uint32_t also_seen, double timeout_ns);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SIM_HOST_H
#define SIM_HOST_H
/* What the simulator takes from its host: here, a JavaScript engine. */
#include <stdint.h>

enum { SIM_HEAP_SIZE = 4 << 20 };

typedef struct SimFiber {
    struct SimStack *stack;
} SimFiber;

/* WebAssembly cannot tell where it is. The accesses of a run are numbered, and JavaScript can look at the stack when a run that is
 * repeated comes to the number that is asked for. */
uint32_t sim_count_access(void);
#define SIM_HERE() sim_count_access()

#endif

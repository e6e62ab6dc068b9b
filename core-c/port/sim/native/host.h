/* SPDX-License-Identifier: MIT */
#ifndef SIM_HOST_H
#define SIM_HOST_H
/* What the simulator takes from its host: here, a Linux machine. */
#include <setjmp.h>

enum { SIM_HEAP_SIZE = 64 << 20 };

typedef struct SimFiber {
    jmp_buf env;
} SimFiber;

/* In a function that the program calls: an instruction of the caller. The program lies in the low 4 GB. */
#define SIM_HERE() ((uint32_t)(uintptr_t)__builtin_return_address(0))

#endif

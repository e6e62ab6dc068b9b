/* SPDX-License-Identifier: MIT */
/* What a program can be told about its machine: that of WebAssembly, whose memory is all that there is. */
#include <stdint.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "port/port.h"
#include "weak.h"

LIBC_WEAK
int sysinfo(struct sysinfo *info)
{
    unsigned long total = __builtin_wasm_memory_size(0) * 65536UL;

    *info = (struct sysinfo){
        .uptime = (unsigned long)(port_clock_ns(PORT_CLOCK_MONOTONIC) / 1000000000),
        .totalram = total,
        .freeram = total - (unsigned long)(uintptr_t)sbrk(0),
        .procs = 1,
        .mem_unit = 1,
    };
    return 0;
}

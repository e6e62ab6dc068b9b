// SPDX-License-Identifier: MIT
/* An endless loop in WebAssembly: as a program with the argument "thread" in a
 * thread beside main(), which exits with 3; without one in main() itself. */
#include <stdlib.h>
#include "qemu/atomic.h"
#include "qemu/futex.h"
#include "qemu/thread.h"

static uint32_t spinning;

__attribute__((export_name("spin"), used)) int spin(void)
{
    static volatile uint32_t rounds;

    qatomic_mb_set(&spinning, 1);
    qemu_futex_wake(&spinning, 1);
    for (;;) {
        rounds++;
    }
}

/* Whether somebody has begun to spin. */
__attribute__((export_name("is_spinning"), used)) int is_spinning(void)
{
    return (int)qatomic_mb_read(&spinning);
}

static void *spin_in_thread(void *opaque)
{
    (void)opaque;
    spin();
    return NULL;
}

int main(int argc, char **argv)
{
    QemuThread thread;

    (void)argv;
    if (argc < 2) {
        return spin();
    }
    qemu_thread_create(&thread, "spinner", spin_in_thread, NULL,
                       QEMU_THREAD_DETACHED);
    while (!qatomic_mb_read(&spinning)) {
        qemu_futex_wait(&spinning, 0);
    }
    exit(3);
}

/* SPDX-License-Identifier: MIT */
/* Which steps count for the next choice of a thread: those where another order may make a difference. */
#include "port/sim/machine.h"

/* Which threads have touched a word. Steps on words of one thread alone count only now and then for the next choice: another order
 * there makes no difference, unless another thread is yet to come. */
enum { TOUCHED = 4096, ALONE = 8 };
static struct {
    const void *address;
    uint32_t threads;
} touched[TOUCHED];
static unsigned alone;
/* sim_focus(): the object, whose steps alone count then. */
static const char *focus;
static size_t focus_size;

void sim_focus(const void *object, size_t size)
{
    focus = object;
    focus_size = size;
}

void sim_steps_reset(void)
{
    memset(touched, 0, sizeof(touched));
    alone = 0;
    focus = NULL;
}

bool sim_counts(const void *address)
{
    size_t at = ((uintptr_t)address >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 52;
    uint32_t own = 1u << sim_self->id;

    if (focus) {
        return (const char *)address >= focus && (const char *)address < focus + focus_size;
    }
    if (touched[at].address != address) {
        touched[at].address = address;
        touched[at].threads = 0;
    }
    touched[at].threads |= own;
    return touched[at].threads != own || ++alone % ALONE == 0;
}

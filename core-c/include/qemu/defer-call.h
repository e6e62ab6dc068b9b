/* SPDX-License-Identifier: MIT */
#ifndef QEMU_DEFER_CALL_H
#define QEMU_DEFER_CALL_H
/*
 * Sections of a thread in which calls that pay only once are put off: util/defer-call.c.
 * The engines native and io_uring hand over at the end of a section what was submitted
 * in it.
 */
#ifdef __cplusplus
extern "C" {
#endif

/* Opens a section of this thread. They nest. */
void defer_call_begin(void);
/*
 * Closes the section. The outermost end runs what was put off, in the order in which it
 * was. Panics if this thread has none open: a coroutine ends its section before it
 * yields.
 */
void defer_call_end(void);
/*
 * In a section: fn(opaque) is called once when it ends, however often the same pair was
 * put off. Elsewhere, or if there is no memory left to keep it in: it is called now.
 * fn must not yield.
 */
void defer_call(void (*fn)(void *), void *opaque);

#ifdef __cplusplus
}
#endif

#endif

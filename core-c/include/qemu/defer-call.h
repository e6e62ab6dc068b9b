/* SPDX-License-Identifier: MIT */
#ifndef QEMU_DEFER_CALL_H
#define QEMU_DEFER_CALL_H
/*
 * Sections of a thread in which expensive calls are deferred, to be made once at the
 * end; in QEMU util/defer-call.c. The engines native and io_uring submit at the end of a
 * section the requests that were made in it.
 */
#ifdef __cplusplus
extern "C" {
#endif

/* Opens a section in the calling thread. Sections nest. */
void defer_call_begin(void);
/*
 * Closes the innermost section of the calling thread. If it was the outermost one, the
 * deferred calls are made, in order. Panics if the thread has no section open: a
 * coroutine must end its section before it yields.
 */
void defer_call_end(void);
/*
 * Calls fn(opaque) when the calling thread's outermost section ends; the same pair is
 * called once, however often it was deferred. Outside a section, or if there is no
 * memory, it is called at once. opaque must live until then. fn must not yield.
 */
void defer_call(void (*fn)(void *), void *opaque);

#ifdef __cplusplus
}
#endif

#endif

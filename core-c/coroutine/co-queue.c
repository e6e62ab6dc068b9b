/* SPDX-License-Identifier: MIT */
/* A queue of coroutines that wait; in QEMU util/qemu-coroutine-lock.c. */
#include "block/aio.h"
#include "coroutine/coroutine.h"

void qemu_co_queue_init(CoQueue *queue)
{
    QSIMPLEQ_INIT(&queue->entries);
}

void coroutine_fn qemu_co_queue_wait_impl(CoQueue *queue, QemuLockable *lock)
{
    QSIMPLEQ_INSERT_TAIL(&queue->entries, qemu_coroutine_self(),
                         co_queue_next);
    if (lock) {
        qemu_lockable_unlock(lock);
    }
    qemu_coroutine_yield();
    if (lock) {
        qemu_lockable_lock(lock);
    }
}

bool qemu_co_enter_next_impl(CoQueue *queue, QemuLockable *lock)
{
    Coroutine *next = QSIMPLEQ_FIRST(&queue->entries);

    if (!next) {
        return false;
    }
    QSIMPLEQ_REMOVE_HEAD(&queue->entries, co_queue_next);
    if (lock) {
        qemu_lockable_unlock(lock);
    }
    aio_co_wake(next);
    if (lock) {
        qemu_lockable_lock(lock);
    }
    return true;
}

bool qemu_co_queue_next(CoQueue *queue)
{
    return qemu_co_enter_next_impl(queue, NULL);
}

/* Outside a coroutine they run at once and may wait again, so only those that
 * are waiting now are woken. */
void qemu_co_queue_restart_all(CoQueue *queue)
{
    CoQueue waiting = { QSIMPLEQ_HEAD_INITIALIZER(waiting.entries) };

    QSIMPLEQ_CONCAT(&waiting.entries, &queue->entries);
    while (qemu_co_queue_next(&waiting)) {
        continue;
    }
}

bool qemu_co_queue_empty(CoQueue *queue)
{
    return QSIMPLEQ_EMPTY(&queue->entries);
}

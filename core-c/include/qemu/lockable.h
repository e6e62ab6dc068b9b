/* SPDX-License-Identifier: MIT */
#ifndef QEMU_LOCKABLE_H
#define QEMU_LOCKABLE_H
/* QemuLockable stands for any kind of lock; the guards release a lock at the end
 * of a block. Names are QEMU's (include/qemu/lockable.h). */
#include "qemu/coroutine.h"
#include "qemu/thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A lock and the functions that lock and unlock it. */
struct QemuLockable {
    void *object;
    void (*lock)(void *object);
    void (*unlock)(void *object);
};

/* Locks x, as the function of its kind of lock does. */
static inline void qemu_lockable_lock(QemuLockable *x)
{
    x->lock(x->object);
}
/* Unlocks x, which the caller holds. */
static inline void qemu_lockable_unlock(QemuLockable *x)
{
    x->unlock(x->object);
}

static inline void qemu_lockable_mutex_lock_(void *object)
{
    qemu_mutex_lock((QemuMutex *)object);
}
static inline void qemu_lockable_mutex_unlock_(void *object)
{
    qemu_mutex_unlock((QemuMutex *)object);
}
static inline void qemu_lockable_rec_mutex_lock_(void *object)
{
    qemu_rec_mutex_lock((QemuRecMutex *)object);
}
static inline void qemu_lockable_rec_mutex_unlock_(void *object)
{
    qemu_rec_mutex_unlock((QemuRecMutex *)object);
}
static inline void qemu_lockable_spin_lock_(void *object)
{
    qemu_spin_lock((QemuSpin *)object);
}
static inline void qemu_lockable_spin_unlock_(void *object)
{
    qemu_spin_unlock((QemuSpin *)object);
}
static inline void qemu_lockable_co_mutex_lock_(void *object)
{
    qemu_co_mutex_lock((CoMutex *)object);
}
static inline void qemu_lockable_co_mutex_unlock_(void *object)
{
    qemu_co_mutex_unlock((CoMutex *)object);
}
static inline QemuLockable *qemu_lockable_or_null_(const void *x,
                                                   QemuLockable *lockable)
{
    return x ? lockable : NULL;
}

#define QEMU_LOCKABLE_OF_(x, kind)                                           \
    &(QemuLockable){ .object = (void *)(x),                                  \
                     .lock = qemu_lockable_##kind##_lock_,                   \
                     .unlock = qemu_lockable_##kind##_unlock_ }

/* Makes a QemuLockable of a pointer to a lock, which must not be NULL. It lives
 * until the end of the block that it is made in. */
#define QEMU_MAKE_LOCKABLE_NONNULL(x)                                        \
    _Generic((x),                                                            \
        QemuLockable *: (void *)(x),                                         \
        QemuMutex *: QEMU_LOCKABLE_OF_(x, mutex),                            \
        QemuRecMutex *: QEMU_LOCKABLE_OF_(x, rec_mutex),                     \
        CoMutex *: QEMU_LOCKABLE_OF_(x, co_mutex),                           \
        QemuSpin *: QEMU_LOCKABLE_OF_(x, spin))
/* Makes a QemuLockable as QEMU_MAKE_LOCKABLE_NONNULL() does, or NULL if x is
 * NULL. */
#define QEMU_MAKE_LOCKABLE(x)                                                \
    _Generic((x),                                                            \
        void *: (QemuLockable *)NULL,                                        \
        QemuLockable *: (void *)(x),                                         \
        QemuMutex *: qemu_lockable_or_null_((x),                             \
            QEMU_LOCKABLE_OF_(x, mutex)),                                    \
        QemuRecMutex *: qemu_lockable_or_null_((x),                          \
            QEMU_LOCKABLE_OF_(x, rec_mutex)),                                \
        CoMutex *: qemu_lockable_or_null_((x),                               \
            QEMU_LOCKABLE_OF_(x, co_mutex)),                                 \
        QemuSpin *: qemu_lockable_or_null_((x), QEMU_LOCKABLE_OF_(x, spin)))

static inline QemuLockable *qemu_lockable_auto_lock_(QemuLockable *x)
{
    qemu_lockable_lock(x);
    return x;
}
static inline void qemu_lockable_auto_unlock_(QemuLockable **x)
{
    if (*x) {
        qemu_lockable_unlock(*x);
        *x = NULL;
    }
}

#define QEMU_LOCKABLE_AUTO_(name, x)                                         \
    __attribute__((cleanup(qemu_lockable_auto_unlock_), unused))             \
    QemuLockable *name =                                                     \
        qemu_lockable_auto_lock_(QEMU_MAKE_LOCKABLE_NONNULL((x)))

/* Locks x until the enclosing block is left in any way. */
#define QEMU_LOCK_GUARD(x) \
    QEMU_LOCKABLE_AUTO_(glue(qemu_lock_guard_, __COUNTER__), x)
/* Locks x for the block that follows, until it is left in any way. */
#define WITH_QEMU_LOCK_GUARD(x) \
    WITH_QEMU_LOCK_GUARD_((x), glue(qemu_lock_guard_, __COUNTER__))
#define WITH_QEMU_LOCK_GUARD_(x, name)                                       \
    for (QEMU_LOCKABLE_AUTO_(name, x); name; qemu_lockable_auto_unlock_(&name))

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
#ifndef QEMU_QUEUE_H
#define QEMU_QUEUE_H
/*
 * Intrusive lists, under the names of the BSDs and QEMU. The caller locks, except
 * for the macros that are named ATOMIC or RCU:
 *   QLIST     doubly linked, pointer head: remove anywhere, insert at the head
 *   QSLIST    singly linked; elements are pushed, and all are taken, atomically
 *   QSIMPLEQ  singly linked with a tail pointer: a FIFO
 *   QTAILQ    doubly linked with a tail pointer
 */
#include "qemu/atomic.h"

/* ---- QLIST ---- */
#define QLIST_HEAD(name, type)                                               \
    struct name {                                                            \
        struct type *lh_first;                                               \
    }
#define QLIST_HEAD_INITIALIZER(head) { NULL }
#define QLIST_ENTRY(type)                                                    \
    struct {                                                                 \
        struct type *le_next;                                                \
        struct type **le_prev;                                               \
    }
#define QLIST_INIT(head) ((void)((head)->lh_first = NULL))
#define QLIST_EMPTY(head) ((head)->lh_first == NULL)
#define QLIST_FIRST(head) ((head)->lh_first)
#define QLIST_NEXT(elm, field) ((elm)->field.le_next)
#define QLIST_INSERT_HEAD(head, elm, field)                                  \
    do {                                                                     \
        (elm)->field.le_next = (head)->lh_first;                             \
        if ((elm)->field.le_next) {                                          \
            (head)->lh_first->field.le_prev = &(elm)->field.le_next;         \
        }                                                                    \
        (elm)->field.le_prev = &(head)->lh_first;                            \
        (head)->lh_first = (elm);                                            \
    } while (0)
#define QLIST_INSERT_AFTER(listelm, elm, field)                              \
    do {                                                                     \
        (elm)->field.le_next = (listelm)->field.le_next;                     \
        if ((elm)->field.le_next) {                                          \
            (elm)->field.le_next->field.le_prev = &(elm)->field.le_next;     \
        }                                                                    \
        (listelm)->field.le_next = (elm);                                    \
        (elm)->field.le_prev = &(listelm)->field.le_next;                    \
    } while (0)
#define QLIST_INSERT_BEFORE(listelm, elm, field)                             \
    do {                                                                     \
        (elm)->field.le_prev = (listelm)->field.le_prev;                     \
        (elm)->field.le_next = (listelm);                                    \
        *(listelm)->field.le_prev = (elm);                                   \
        (listelm)->field.le_prev = &(elm)->field.le_next;                    \
    } while (0)
#define QLIST_REMOVE(elm, field)                                             \
    do {                                                                     \
        if ((elm)->field.le_next) {                                          \
            (elm)->field.le_next->field.le_prev = (elm)->field.le_prev;      \
        }                                                                    \
        *(elm)->field.le_prev = (elm)->field.le_next;                        \
        (elm)->field.le_next = NULL;                                         \
        (elm)->field.le_prev = NULL;                                         \
    } while (0)
/* QLIST_SAFE_REMOVE does nothing to an element that is on no list. */
#define QLIST_IS_INSERTED(elm, field) ((elm)->field.le_prev != NULL)
#define QLIST_SAFE_REMOVE(elm, field)                                        \
    do {                                                                     \
        if (QLIST_IS_INSERTED(elm, field)) {                                 \
            QLIST_REMOVE(elm, field);                                        \
        }                                                                    \
    } while (0)
#define QLIST_FOREACH(var, head, field) \
    for ((var) = (head)->lh_first; (var); (var) = (var)->field.le_next)
#define QLIST_FOREACH_SAFE(var, head, field, next_var)                       \
    for ((var) = (head)->lh_first;                                           \
         (var) && ((next_var) = (var)->field.le_next, 1);                    \
         (var) = (next_var))
/* A walk of this kind may run at the same time as an insertion of this kind. */
#define QLIST_FOREACH_RCU(var, head, field)                                  \
    for ((var) = qatomic_load_acquire(&(head)->lh_first); (var);             \
         (var) = qatomic_load_acquire(&(var)->field.le_next))
#define QLIST_INSERT_HEAD_RCU(head, elm, field)                              \
    do {                                                                     \
        (elm)->field.le_prev = &(head)->lh_first;                            \
        (elm)->field.le_next = (head)->lh_first;                             \
        if ((elm)->field.le_next) {                                          \
            (head)->lh_first->field.le_prev = &(elm)->field.le_next;         \
        }                                                                    \
        qatomic_store_release(&(head)->lh_first, (elm));                     \
    } while (0)

/* ---- QSLIST ---- */
#define QSLIST_HEAD(name, type)                                              \
    struct name {                                                            \
        struct type *slh_first;                                              \
    }
#define QSLIST_HEAD_INITIALIZER(head) { NULL }
#define QSLIST_ENTRY(type)                                                   \
    struct {                                                                 \
        struct type *sle_next;                                               \
    }
#define QSLIST_INIT(head) ((void)((head)->slh_first = NULL))
#define QSLIST_EMPTY(head) ((head)->slh_first == NULL)
#define QSLIST_FIRST(head) ((head)->slh_first)
#define QSLIST_NEXT(elm, field) ((elm)->field.sle_next)
#define QSLIST_INSERT_HEAD(head, elm, field)                                 \
    do {                                                                     \
        (elm)->field.sle_next = (head)->slh_first;                           \
        (head)->slh_first = (elm);                                           \
    } while (0)
#define QSLIST_INSERT_AFTER(slistelm, elm, field)                            \
    do {                                                                     \
        (elm)->field.sle_next = (slistelm)->field.sle_next;                  \
        (slistelm)->field.sle_next = (elm);                                  \
    } while (0)
#define QSLIST_INSERT_HEAD_ATOMIC(head, elm, field)                          \
    do {                                                                     \
        __typeof__(elm) old_first_ = qatomic_read(&(head)->slh_first), seen_; \
        for (;;) {                                                           \
            (elm)->field.sle_next = old_first_;                              \
            seen_ = qatomic_cmpxchg(&(head)->slh_first, old_first_, (elm));  \
            if (seen_ == old_first_) {                                       \
                break;                                                       \
            }                                                                \
            old_first_ = seen_;                                              \
        }                                                                    \
    } while (0)
/* Moves all elements of src to dest; pairs with QSLIST_INSERT_HEAD_ATOMIC. */
#define QSLIST_MOVE_ATOMIC(dest, src) \
    ((void)((dest)->slh_first = qatomic_xchg(&(src)->slh_first, NULL)))
#define QSLIST_REMOVE_HEAD(head, field)                                      \
    do {                                                                     \
        __typeof__((head)->slh_first) elm_ = (head)->slh_first;              \
        (head)->slh_first = elm_->field.sle_next;                            \
        elm_->field.sle_next = NULL;                                         \
    } while (0)
#define QSLIST_REMOVE_AFTER(slistelm, field) \
    ((void)((slistelm)->field.sle_next = (slistelm)->field.sle_next->field.sle_next))
#define QSLIST_REMOVE(head, elm, type, field)                                \
    do {                                                                     \
        struct type **link_ = &(head)->slh_first;                            \
        while (*link_ != (elm)) {                                            \
            link_ = &(*link_)->field.sle_next;                               \
        }                                                                    \
        *link_ = (elm)->field.sle_next;                                      \
        (elm)->field.sle_next = NULL;                                        \
    } while (0)
#define QSLIST_FOREACH(var, head, field) \
    for ((var) = (head)->slh_first; (var); (var) = (var)->field.sle_next)
#define QSLIST_FOREACH_SAFE(var, head, field, next_var)                      \
    for ((var) = (head)->slh_first;                                          \
         (var) && ((next_var) = (var)->field.sle_next, 1);                   \
         (var) = (next_var))
#define QSLIST_FOREACH_RCU(var, head, field)                                 \
    for ((var) = qatomic_load_acquire(&(head)->slh_first); (var);            \
         (var) = qatomic_load_acquire(&(var)->field.sle_next))

/* ---- QSIMPLEQ ---- */
#define QSIMPLEQ_HEAD(name, type)                                            \
    struct name {                                                            \
        struct type *sqh_first;                                              \
        struct type **sqh_last;                                              \
    }
#define QSIMPLEQ_HEAD_INITIALIZER(head) { NULL, &(head).sqh_first }
#define QSIMPLEQ_ENTRY(type)                                                 \
    struct {                                                                 \
        struct type *sqe_next;                                               \
    }
#define QSIMPLEQ_INIT(head)                                                  \
    do {                                                                     \
        (head)->sqh_first = NULL;                                            \
        (head)->sqh_last = &(head)->sqh_first;                               \
    } while (0)
#define QSIMPLEQ_EMPTY(head) ((head)->sqh_first == NULL)
#define QSIMPLEQ_FIRST(head) ((head)->sqh_first)
#define QSIMPLEQ_NEXT(elm, field) ((elm)->field.sqe_next)
#define QSIMPLEQ_INSERT_HEAD(head, elm, field)                               \
    do {                                                                     \
        if (((elm)->field.sqe_next = (head)->sqh_first) == NULL) {           \
            (head)->sqh_last = &(elm)->field.sqe_next;                       \
        }                                                                    \
        (head)->sqh_first = (elm);                                           \
    } while (0)
#define QSIMPLEQ_INSERT_TAIL(head, elm, field)                               \
    do {                                                                     \
        (elm)->field.sqe_next = NULL;                                        \
        *(head)->sqh_last = (elm);                                           \
        (head)->sqh_last = &(elm)->field.sqe_next;                           \
    } while (0)
#define QSIMPLEQ_INSERT_AFTER(head, listelm, elm, field)                     \
    do {                                                                     \
        (elm)->field.sqe_next = (listelm)->field.sqe_next;                   \
        if ((elm)->field.sqe_next == NULL) {                                 \
            (head)->sqh_last = &(elm)->field.sqe_next;                       \
        }                                                                    \
        (listelm)->field.sqe_next = (elm);                                   \
    } while (0)
#define QSIMPLEQ_REMOVE_HEAD(head, field)                                    \
    do {                                                                     \
        __typeof__((head)->sqh_first) elm_ = (head)->sqh_first;              \
        if (((head)->sqh_first = elm_->field.sqe_next) == NULL) {            \
            (head)->sqh_last = &(head)->sqh_first;                           \
        }                                                                    \
        elm_->field.sqe_next = NULL;                                         \
    } while (0)
#define QSIMPLEQ_REMOVE(head, elm, type, field)                              \
    do {                                                                     \
        struct type **link_ = &(head)->sqh_first;                            \
        while (*link_ != (elm)) {                                            \
            link_ = &(*link_)->field.sqe_next;                               \
        }                                                                    \
        if ((*link_ = (elm)->field.sqe_next) == NULL) {                      \
            (head)->sqh_last = link_;                                        \
        }                                                                    \
        (elm)->field.sqe_next = NULL;                                        \
    } while (0)
/* Appends the elements of head2 to head1; head2 is empty afterwards. */
#define QSIMPLEQ_CONCAT(head1, head2)                                        \
    do {                                                                     \
        if (!QSIMPLEQ_EMPTY(head2)) {                                        \
            *(head1)->sqh_last = (head2)->sqh_first;                         \
            (head1)->sqh_last = (head2)->sqh_last;                           \
            QSIMPLEQ_INIT(head2);                                            \
        }                                                                    \
    } while (0)
#define QSIMPLEQ_FOREACH(var, head, field) \
    for ((var) = (head)->sqh_first; (var); (var) = (var)->field.sqe_next)
#define QSIMPLEQ_FOREACH_SAFE(var, head, field, next_var)                    \
    for ((var) = (head)->sqh_first;                                          \
         (var) && ((next_var) = (var)->field.sqe_next, 1);                   \
         (var) = (next_var))

/* ---- QTAILQ ---- */
#define QTAILQ_HEAD(name, type)                                              \
    struct name {                                                            \
        struct type *tqh_first;                                              \
        struct type **tqh_last;                                              \
    }
#define QTAILQ_HEAD_INITIALIZER(head) { NULL, &(head).tqh_first }
#define QTAILQ_ENTRY(type)                                                   \
    struct {                                                                 \
        struct type *tqe_next;                                               \
        struct type **tqe_prev;                                              \
    }
#define QTAILQ_INIT(head)                                                    \
    do {                                                                     \
        (head)->tqh_first = NULL;                                            \
        (head)->tqh_last = &(head)->tqh_first;                               \
    } while (0)
#define QTAILQ_EMPTY(head) ((head)->tqh_first == NULL)
#define QTAILQ_FIRST(head) ((head)->tqh_first)
#define QTAILQ_NEXT(elm, field) ((elm)->field.tqe_next)
#define QTAILQ_IN_USE(elm, field) ((elm)->field.tqe_prev != NULL)
/* The first two fields of a head and of an entry have the same layout. */
#define QTAILQ_LAST(head)                                                    \
    (((__typeof__(*(head)) *)((head)->tqh_last))->tqh_last == NULL           \
         ? NULL                                                              \
         : *(((__typeof__(*(head)) *)((head)->tqh_last))->tqh_last))
#define QTAILQ_PREV(elm, headname, field) \
    (*(((struct headname *)((elm)->field.tqe_prev))->tqh_last))
#define QTAILQ_INSERT_HEAD(head, elm, field)                                 \
    do {                                                                     \
        if (((elm)->field.tqe_next = (head)->tqh_first) != NULL) {           \
            (head)->tqh_first->field.tqe_prev = &(elm)->field.tqe_next;      \
        } else {                                                             \
            (head)->tqh_last = &(elm)->field.tqe_next;                       \
        }                                                                    \
        (head)->tqh_first = (elm);                                           \
        (elm)->field.tqe_prev = &(head)->tqh_first;                          \
    } while (0)
#define QTAILQ_INSERT_TAIL(head, elm, field)                                 \
    do {                                                                     \
        (elm)->field.tqe_next = NULL;                                        \
        (elm)->field.tqe_prev = (head)->tqh_last;                            \
        *(head)->tqh_last = (elm);                                           \
        (head)->tqh_last = &(elm)->field.tqe_next;                           \
    } while (0)
#define QTAILQ_INSERT_AFTER(head, listelm, elm, field)                       \
    do {                                                                     \
        if (((elm)->field.tqe_next = (listelm)->field.tqe_next) != NULL) {   \
            (elm)->field.tqe_next->field.tqe_prev = &(elm)->field.tqe_next;  \
        } else {                                                             \
            (head)->tqh_last = &(elm)->field.tqe_next;                       \
        }                                                                    \
        (listelm)->field.tqe_next = (elm);                                   \
        (elm)->field.tqe_prev = &(listelm)->field.tqe_next;                  \
    } while (0)
#define QTAILQ_INSERT_BEFORE(listelm, elm, field)                            \
    do {                                                                     \
        (elm)->field.tqe_prev = (listelm)->field.tqe_prev;                   \
        (elm)->field.tqe_next = (listelm);                                   \
        *(listelm)->field.tqe_prev = (elm);                                  \
        (listelm)->field.tqe_prev = &(elm)->field.tqe_next;                  \
    } while (0)
#define QTAILQ_REMOVE(head, elm, field)                                      \
    do {                                                                     \
        if ((elm)->field.tqe_next != NULL) {                                 \
            (elm)->field.tqe_next->field.tqe_prev = (elm)->field.tqe_prev;   \
        } else {                                                             \
            (head)->tqh_last = (elm)->field.tqe_prev;                        \
        }                                                                    \
        *(elm)->field.tqe_prev = (elm)->field.tqe_next;                      \
        (elm)->field.tqe_prev = NULL;                                        \
    } while (0)
#define QTAILQ_FOREACH(var, head, field) \
    for ((var) = (head)->tqh_first; (var); (var) = (var)->field.tqe_next)
#define QTAILQ_FOREACH_SAFE(var, head, field, next_var)                      \
    for ((var) = (head)->tqh_first;                                          \
         (var) && ((next_var) = (var)->field.tqe_next, 1);                   \
         (var) = (next_var))

#endif

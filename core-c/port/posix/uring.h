/* SPDX-License-Identifier: MIT */
#ifndef POSIX_URING_H
#define POSIX_URING_H
/* An io_uring: its mapped rings and the calls on them. One thread uses it. */
#include "port/port.h"

#include <linux/io_uring.h>

typedef struct Uring {
    int fd;
    void *rings;
    size_t rings_size;
    struct io_uring_sqe *sqes;
    size_t sqes_size;
    unsigned next;             /* our tail: entries filled in */
    unsigned *sq_head;
    unsigned *sq_tail;
    unsigned sq_mask;
    unsigned sq_entries;
    unsigned *sq_flags;
    unsigned *cq_head;
    unsigned *cq_tail;
    unsigned cq_mask;
    struct io_uring_cqe *cqes;
} Uring;

/* Opens a ring. Returns 0 or -errno. */
int uring_open(Uring *ring, unsigned entries);
void uring_close(Uring *ring);
/* Returns a cleared entry for the next submission, or NULL if the ring is
 * full. */
struct io_uring_sqe *uring_sqe(Uring *ring);
/* Submits the entries that were filled in, and waits for wait_for completions.
 * Returns how many entries were taken, or -errno. */
int uring_enter(Uring *ring, unsigned wait_for);
bool uring_has_cqe(Uring *ring);
bool uring_take_cqe(Uring *ring, struct io_uring_cqe *cqe);

#endif

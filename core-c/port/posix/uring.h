/* SPDX-License-Identifier: MIT */
#ifndef POSIX_URING_H
#define POSIX_URING_H
/* An io_uring: mapped rings and the calls on them. One thread uses it. */
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

/* 0 or -errno. */
int uring_open(Uring *ring, unsigned entries);
void uring_close(Uring *ring);
/* A cleared entry for the next submission; NULL: the ring is full. */
struct io_uring_sqe *uring_sqe(Uring *ring);
/* Submits what was filled in, waits for so many completions. How many were taken,
 * or -errno. */
int uring_enter(Uring *ring, unsigned wait_for);
bool uring_has_cqe(Uring *ring);
bool uring_take_cqe(Uring *ring, struct io_uring_cqe *cqe);

#endif

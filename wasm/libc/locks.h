/* SPDX-License-Identifier: MIT */
#ifndef LIBC_LOCKS_H
#define LIBC_LOCKS_H
#include "wasi.h"

/* Answers F_SETLK, F_SETLKW, F_GETLK and their forms for open file descriptions (F_OFD_...). mode: O_RDONLY,
 * O_WRONLY or O_RDWR, as fd was opened. Returns 0 or -errno. */
int lock_fcntl(int fd, int command, struct flock *flock, int mode);
/* Sets or (F_UNLCK) removes the lock of flock(); waits: until that is possible. Returns 0 or -errno. */
int lock_flock(int fd, short type, bool waits);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LIBC_PTHREAD_KEY_H
#define LIBC_PTHREAD_KEY_H

/* Calls the destructors for the data of the calling thread, which is about to end; as often as
 * POSIX requires, because they may set data again. */
void pthread_destroy_values(void);

#endif

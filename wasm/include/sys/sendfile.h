/* SPDX-License-Identifier: MIT */
#ifndef AIO_SYS_SENDFILE_H
#define AIO_SYS_SENDFILE_H
/* Copying from a file to any descriptor, as in Linux. */
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Copies up to this many bytes from the second descriptor, a file, to the first. With an offset it reads from there, and
 * advances the offset instead of the file's position. Returns how many, 0 at the end of the file, or -1. */
ssize_t sendfile(int, int, off_t *, size_t);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * errno, one for each thread. libc has a single word for all threads, because it
 * was built without pthreads; it is linked only where nothing else defines these
 * two names.
 */
int *__errno_location(void);
int *___errno_location(void);

static _Thread_local int value;

int *__errno_location(void)
{
    return &value;
}

/* The name that libc itself calls. */
int *___errno_location(void)
{
    return &value;
}

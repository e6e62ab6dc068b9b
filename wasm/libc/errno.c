/* SPDX-License-Identifier: MIT */
/*
 * errno for each thread. libc, which was built without pthreads, has one word
 * for all threads; its definition is linked only if nothing else defines these
 * two names.
 */
int *__errno_location(void);
int *___errno_location(void);

static _Thread_local int value;

int *__errno_location(void)
{
    return &value;
}

/* The name that libc itself uses. */
int *___errno_location(void)
{
    return &value;
}

/* SPDX-License-Identifier: MIT */
/* What runs before main() and at the end of a program, in which order, and what becomes of what stdio has not written yet. */
#include "topic.h"

static FILE *unwritten;

__attribute__((constructor)) static void constructed(void)
{
    printf("constructor\n");
}

__attribute__((constructor(200))) static void early(void)
{
    printf("constructor 200\n");
}

__attribute__((destructor)) static void destructed(void)
{
    printf("destructor\n");
}

__attribute__((destructor(200))) static void late(void)
{
    printf("destructor 200\n");
}

static void last(void)
{
    printf("the first of atexit\n");
}

static void nested(void)
{
    printf("registered by one of atexit\n");
}

static void middle(void)
{
    printf("atexit, which registers another = %d\n", atexit(nested));
}

static void first(void)
{
    printf("the last of atexit: file = %s\n", file_text("file"));
    printf("fputs in atexit = %d\n", fputs(" and more", unwritten) >= 0);
}

static void topic(void)
{
    int n = 0;

    unwritten = fopen("file", "w");
    fputs("not written yet", unwritten);
    printf("atexit = %d\n", atexit(last) | atexit(middle) | atexit(first));
    printf("file = %s\n", file_text("file"));
    while (n < 100 && atexit(NULL == unwritten ? first : (void (*)(void))constructed) == 0 && n < 40) {
        n++;
    }
    printf("many of them = %d\n", n);
    printf("tmpfile = %d\n", tmpfile() != NULL || errno == ENOENT);
    printf("text without a newline at the end");
    exit(0);
}

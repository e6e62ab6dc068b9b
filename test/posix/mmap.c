/* SPDX-License-Identifier: MIT */
/* mmap() of memory and of files, munmap() of all and of a part, msync(), mprotect(), madvise(). */
#include "topic.h"
#include <sys/mman.h>

static size_t page;

static const char *mapped(void *memory)
{
    return memory == MAP_FAILED ? errno_name(errno) : "ok";
}

/* How many bytes are not zero. */
static size_t set(const char *memory, size_t length)
{
    size_t n = 0;

    for (size_t i = 0; i < length; i++) {
        n += memory[i] != 0;
    }
    return n;
}

static void topic(void)
{
    int fd, reads, writes, dir;
    char *memory, *other;

    page = (size_t)sysconf(_SC_PAGESIZE);
    fd = open("file", O_CREAT | O_RDWR, 0666);
    ftruncate(fd, (off_t)(2 * page + 10));
    pwrite(fd, "begin", 5, 0);
    pwrite(fd, "second", 6, (off_t)page);
    pwrite(fd, "the end", 7, (off_t)(2 * page + 3));
    reads = open("file", O_RDONLY);
    writes = open("file", O_WRONLY);
    mkdir("dir", 0777);
    dir = open("dir", O_RDONLY);

    memory = mmap(NULL, 3 * page + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("anonymous = %s\n", mapped(memory));
    SHOW((uintptr_t)memory % page);
    SHOW(set(memory, 3 * page + 1));
    memset(memory, 'x', 4 * page);
    SHOW(madvise(memory + page, page, MADV_DONTNEED));
    SHOW(set(memory, 4 * page) / page);
    SHOW(mprotect(memory, page, PROT_READ));
    SHOW(mprotect(memory, page, PROT_READ | PROT_WRITE));
    SHOW(msync(memory, page, MS_SYNC));
    SHOW(msync(memory, page, MS_SYNC | MS_ASYNC));
    SHOW(msync(memory + 1, page, MS_SYNC));
    SHOW(msync(memory, page, 1 << 20));
    other = mmap(memory + page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    SHOW(other == memory + page);
    SHOW(munmap(memory + 3 * page, page));
    SHOW(memory[2 * page]);
    SHOW(munmap(memory, page));
    SHOW(msync(memory, page, MS_SYNC));
    SHOW(msync(memory + page, 2 * page, MS_SYNC));
    SHOW(munmap(memory + page, 2 * page));
    SHOW(munmap(memory + page, 2 * page));
    SHOW(munmap(memory + 1, page));
    SHOW(munmap(memory, 0));
    printf("shared and anonymous = %s\n", mapped(memory = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
    memory[page - 1] = 'y';
    SHOW(munmap(memory, 1));

    printf("private = %s\n", mapped(memory = mmap(NULL, 2 * page + 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, reads, 0)));
    printf("at 0 = %.5s\n", memory);
    printf("at a page = %.6s\n", memory + page);
    printf("at the end = %.7s\n", memory + 2 * page + 3);
    SHOW(set(memory + 2 * page + 10, page - 10));
    memory[0] = 'B';
    SHOW(msync(memory, page, MS_SYNC));
    printf("the file = %s\n", file_text("file"));
    SHOW(close(reads));
    printf("after close = %.5s\n", memory);
    SHOW(munmap(memory, 2 * page + 10));
    printf("from a page on = %s\n", mapped(memory = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, (off_t)page)));
    printf("there = %.6s\n", memory);
    SHOW(munmap(memory, page));
    printf("shared, to read = %s\n", mapped(memory = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0)));
    printf("there = %.5s\n", memory);
    pwrite(fd, "BEGIN", 5, 0);
    printf("shared, after a write = %.5s\n", memory);
    SHOW(munmap(memory, page));
    printf("shared, to write = %s\n", mapped(memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)));
    reads = open("file", O_RDONLY);
    printf("shared, to write, of what is open for reading = %s\n", mapped(mmap(NULL, page, PROT_WRITE, MAP_SHARED, reads, 0)));
    printf("of what is open for writing = %s\n", mapped(mmap(NULL, page, PROT_READ, MAP_PRIVATE, writes, 0)));
    printf("of a directory = %s\n", mapped(mmap(NULL, page, PROT_READ, MAP_PRIVATE, dir, 0)));
    printf("of a closed fd = %s\n", mapped(mmap(NULL, page, PROT_READ, MAP_PRIVATE, 99, 0)));
    printf("of nothing = %s\n", mapped(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    printf("neither shared nor private = %s\n", mapped(mmap(NULL, page, PROT_READ, MAP_ANONYMOUS, -1, 0)));
    printf("at an odd offset = %s\n", mapped(mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 1)));
    printf("too much = %s\n", mapped(mmap(NULL, SIZE_MAX / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
    printf("to execute = %s\n", mapped(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));

    /* Nothing is lost over many of them. */
    for (int i = 0; i < 2000; i++) {
        memory = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED || memory[5 * page] != 0) {
            printf("the %dth mapping failed\n", i);
            break;
        }
        memory[5 * page] = 1;
        munmap(memory + 8 * page, 8 * page);
        munmap(memory, 8 * page);
    }
}

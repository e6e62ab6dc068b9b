/* SPDX-License-Identifier: MIT */
/* Offsets and sizes over 2 and 4 GiB, in a sparse file, by descriptors and by stdio. */
#include "topic.h"

#define GIB (1024LL * 1024 * 1024)

static void at(int fd, off_t offset)
{
    char text[8] = "";
    ssize_t got;

    errno = 0;
    got = pread(fd, text, 4, offset);
    printf("pread(%lld) = %s", (long long)offset, result(got));
    for (ssize_t i = 0; i < got; i++) {
        printf(" %02x", (unsigned char)text[i]);
    }
    printf("\n");
}

static void topic(void)
{
    static const off_t offsets[] = { 0, 2 * GIB - 2, 2 * GIB, 4 * GIB - 2, 4 * GIB, 4 * GIB + 2, 5 * GIB, 40 * GIB, 1LL << 40 };
    struct stat st;
    FILE *file;
    int fd = open("sparse", O_CREAT | O_RDWR, 0666);

    SHOW(sizeof(off_t));
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        printf("pwrite at %lld = %s\n", (long long)offsets[i], R(pwrite(fd, "abcd", 4, offsets[i])));
        fstat(fd, &st);
        printf("size = %lld\n", (long long)st.st_size);
        at(fd, offsets[i]);
        at(fd, offsets[i] + 2);
    }
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 3 * GIB, SEEK_SET));
    SHOW(lseek(fd, 3 * GIB, SEEK_CUR));
    SHOW(write(fd, "wxyz", 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    at(fd, 6 * GIB);
    SHOW(lseek(fd, -(1LL << 40), SEEK_END));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, -(1LL << 41), SEEK_CUR));
    SHOW(lseek(fd, -(1LL << 41), SEEK_END));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, 77));
    SHOW(ftruncate(fd, 4 * GIB + 1));
    SHOW(lseek(fd, 0, SEEK_END));
    at(fd, 4 * GIB);
    SHOW(ftruncate(fd, -1));
    SHOW(truncate("sparse", 6 * GIB));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(truncate("sparse", -1));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pread(fd, &st, 1, -1));
    SHOW(pwrite(fd, &st, 1, -1));
    SHOW(close(fd));

    file = fopen("sparse", "r+");
    SHOW(fseeko(file, 5 * GIB, SEEK_SET));
    SHOW(ftello(file));
    SHOW(fputs("stdio", file) >= 0);
    SHOW(ftello(file));
    SHOW(fseeko(file, -3, SEEK_CUR));
    SHOW(fgetc(file));
    SHOW(ftello(file));
    SHOW(fseeko(file, 0, SEEK_END));
    SHOW(ftello(file));
    SHOW(fseeko(file, -1, SEEK_SET));
    SHOW(fclose(file));
    SHOW(stat("sparse", &st));
    printf("size at the end = %lld\n", (long long)st.st_size);
}

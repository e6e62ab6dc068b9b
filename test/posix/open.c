/* SPDX-License-Identifier: MIT */
/* open(): every combination of flags that change the file tree, on every kind of file; what may be done with the fd
 * afterwards; and what is left in the directory. */
#include "topic.h"

/* Makes the directory as it is before each call. */
static void set_up(void)
{
    put_file("file", "content");
    mkdir("dir", 0777);
    symlink("file", "to-file");
    symlink("dir", "to-dir");
    symlink("missing", "dangling");
    symlink("loop", "loop");
}

static void take_down(void)
{
    unlink("file");
    unlink("missing");
    unlink("new");
    rmdir("dir");
    unlink("to-file");
    unlink("to-dir");
    unlink("dangling");
    unlink("loop");
}

/* What the calls on an fd come to. */
static void use(int fd)
{
    char byte = 0;
    struct stat stat;

    printf("; read %s", R(read(fd, &byte, 1)));
    printf("; write %s", R(write(fd, "w", 1)));
    printf("; at %s", R(lseek(fd, 0, SEEK_CUR)));
    printf("; truncate %s", R(ftruncate(fd, 5)));
    printf("; allocate %s", errno_name(posix_fallocate(fd, 0, 6)));
    printf("; size %s", R(fstat(fd, &stat)));
    if (S_ISREG(stat.st_mode)) {
        printf(" %d", (int)stat.st_size);
    }
    printf("; flags %o", (unsigned)fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    close(fd);
}

static void topic(void)
{
    static const char *const names[] = { "file", "dir", "to-file", "to-dir", "dangling", "loop", "new", "file/", "dir/", "new/" };
    static const struct {
        int flag;
        const char *name;
    } bits[] = {
        { O_CREAT, "CREAT" }, { O_EXCL, "EXCL" }, { O_TRUNC, "TRUNC" }, { O_DIRECTORY, "DIRECTORY" },
        { O_NOFOLLOW, "NOFOLLOW" }, { O_APPEND, "APPEND" },
    };
    static const struct {
        int flag;
        const char *name;
    } modes[] = { { O_RDONLY, "RDONLY" }, { O_WRONLY, "WRONLY" }, { O_RDWR, "RDWR" } };
    enum { BITS = sizeof(bits) / sizeof(bits[0]) };

    for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        for (unsigned m = 0; m < 3; m++) {
            for (unsigned set = 0; set < 1u << BITS; set++) {
                int flags = modes[m].flag, fd;
                const char *opened;
                if (set & 2 && !(set & 1)) {
                    continue;        /* O_EXCL without O_CREAT is undefined */
                }
                for (unsigned b = 0; b < BITS; b++) {
                    flags |= set & 1u << b ? bits[b].flag : 0;
                }
                set_up();
                opened = FD(fd, open(names[n], flags, 0666));
                printf("open %s %s", names[n], modes[m].name);
                for (unsigned b = 0; b < BITS; b++) {
                    printf("%s%s", set & 1u << b ? "|" : "", set & 1u << b ? bits[b].name : "");
                }
                printf(" = %s", opened);
                if (fd >= 0) {
                    use(fd);
                }
                printf("; file '%s'", file_text("file"));
                printf("; missing %s", R(access("missing", F_OK)));
                printf("; new %s\n", R(access("new", F_OK)));
                take_down();
            }
        }
    }
}

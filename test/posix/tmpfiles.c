/* SPDX-License-Identifier: MIT */
/* Files and directories with names of their own: tmpfile(), mkstemp(), mkdtemp() and their kin. */
#include "topic.h"

static int mode_of(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 ? (int)(st.st_mode & 0777) : -1;
}

static void temporary(void)
{
    FILE *f = tmpfile(), *other = tmpfile();
    struct stat st;
    char text[8];

    printf("tmpfile = %s\n", f && other ? "two" : errno_name(errno));
    if (!f || !other) {
        return;
    }
    fputs("own", f);
    fputs("another", other);
    rewind(f);
    printf("what it holds = %s", fgets(text, sizeof(text), f));
    printf("; %d\n", getc(f));
    SHOW(fstat(fileno(f), &st));
    printf("links = %d, mode %o, size %ld\n", (int)st.st_nlink, (unsigned)(st.st_mode & 0777), (long)st.st_size);
    SHOW(fclose(f));
    SHOW(fclose(other));
}

static void names(void)
{
    char one[] = "oneXXXXXX", two[] = "oneXXXXXX", suffixed[] = "fileXXXXXX.c", dir[] = "dirXXXXXX", few[] = "aXXXXX", in[] = "no/aXXXXXX",
         flags[] = "flagsXXXXXX";
    int fd, second;

    umask(022);
    printf("mkstemp = %s\n", FD(fd, mkstemp(one)));
    printf("name = %d, mode %o\n", strncmp(one, "one", 3) == 0 && strcmp(one, "oneXXXXXX") != 0 && strlen(one) == 9, (unsigned)mode_of(one));
    SHOW(write(fd, "text", 4));
    SHOW(lseek(fd, 0, SEEK_SET));
    printf("text = %s\n", file_text(one));
    printf("mkstemp again = %s", FD(second, mkstemp(two)));
    printf("; another name %d\n", strcmp(one, two) != 0);
    close(fd);
    close(second);
    printf("mkstemps = %s", FD(fd, mkstemps(suffixed, 2)));
    printf("; %s\n", suffixed + strlen(suffixed) - 2);
    close(fd);
    printf("mkostemp = %s", FD(fd, mkostemp(flags, O_APPEND | O_CLOEXEC)));
    printf("; append %d, close on exec %d\n", !!(fcntl(fd, F_GETFL) & O_APPEND), fcntl(fd, F_GETFD));
    close(fd);
    printf("mkdtemp = %s", mkdtemp(dir) ? "ok" : errno_name(errno));
    printf("; mode %o\n", (unsigned)mode_of(dir));
    printf("too few = %s", FD(fd, mkstemp(few)));
    printf("; %s\n", few);
    printf("in a missing directory = %s\n", FD(fd, mkstemp(in)));
    printf("mkdtemp, too few = %s\n", mkdtemp(few) ? "ok" : errno_name(errno));
    printf("mkdtemp in a missing directory = %s\n", mkdtemp(strcpy(in, "no/aXXXXXX")) ? "ok" : errno_name(errno));
}

static void topic(void)
{
    temporary();
    names();
}

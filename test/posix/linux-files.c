/* SPDX-License-Identifier: MIT */
/* Times, space and names of files by their rarer functions: futimes(), fallocate(), mknod(), renameat(), realpath(), extended attributes. */
#include "topic.h"
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

static void times(void)
{
    struct timeval when[2] = { { 1000, 1 }, { 2000, 2 } };
    struct utimbuf old = { 3000, 4000 };
    struct stat st;
    int fd;

    put_file("file", "text");
    symlink("file", "link");
    printf("open = %s\n", FD(fd, open("file", O_RDWR)));
    SHOW(futimes(fd, when));
    fstat(fd, &st);
    printf("futimes = %lld.%09ld %lld.%09ld\n", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    when[0].tv_sec = 5000;
    SHOW(lutimes("link", when));
    lstat("link", &st);
    printf("lutimes = %lld\n", (long long)st.st_atim.tv_sec);
    stat("link", &st);
    printf("its file = %lld\n", (long long)st.st_atim.tv_sec);
    SHOW(utime("file", &old));
    stat("file", &st);
    printf("utime = %lld %lld\n", (long long)st.st_atim.tv_sec, (long long)st.st_mtim.tv_sec);
    SHOW(futimesat(AT_FDCWD, "file", when));
    when[0].tv_usec = 1000000;
    SHOW(futimes(fd, when));
    SHOW(utimes("file", when));
    SHOW(futimes(77, NULL));
    SHOW(lutimes("none", NULL));
    SHOW(futimens(fd, NULL));
    SHOW(utimensat(AT_FDCWD, "link", NULL, AT_SYMLINK_NOFOLLOW));
    SHOW(utimensat(AT_FDCWD, "link", NULL, 0x40000));
    close(fd);
}

static void space(void)
{
    struct stat st;
    int fd, pipes[2];

    printf("open = %s\n", FD(fd, open("space", O_CREAT | O_RDWR, 0666)));
    SHOW(fallocate(fd, 0, 0, 100));
    fstat(fd, &st);
    SHOW(st.st_size);
    SHOW(fallocate(fd, 0, 50, 0));
    SHOW(fallocate(fd, 0, -1, 10));
    SHOW(fallocate(77, 0, 0, 10));
    pipe(pipes);
    SHOW(fallocate(pipes[1], 0, 0, 10));
    SHOW_ERROR(posix_fallocate(fd, 0, 200));
    SHOW_ERROR(posix_fallocate(fd, 0, 0));
    SHOW_ERROR(posix_fallocate(77, 0, 10));
    SHOW_ERROR(posix_fallocate(pipes[1], 0, 10));
    SHOW_ERROR(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    SHOW_ERROR(posix_fadvise(fd, 0, 0, 77));
    SHOW_ERROR(posix_fadvise(pipes[0], 0, 0, POSIX_FADV_NORMAL));
    SHOW(readahead(fd, 0, 10));
    SHOW(readahead(pipes[0], 0, 10));
    SHOW(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 10, 0x100));
    SHOW(sync_file_range(pipes[0], 0, 10, SYNC_FILE_RANGE_WRITE));
    SHOW(syncfs(fd));
    SHOW(syncfs(77));
    SHOW(fsync(fd));
    SHOW(fsync(pipes[0]));
    SHOW(fdatasync(77));
    SHOW(lockf(fd, F_TEST, 0));
    SHOW(lockf(fd, F_TLOCK, 10));
    SHOW(lockf(fd, F_ULOCK, 0));
    SHOW(lockf(fd, 77, 0));
    close(fd);
}

static void names(void)
{
    char text[64], *real;
    int fd;

    SHOW(mknod("made", S_IFREG | 0644, 0));
    SHOW(mknod("made", S_IFREG | 0644, 0));
    SHOW(mknod("none/made", S_IFREG | 0644, 0));
    SHOW(mknodat(AT_FDCWD, "made2", 0600, 0));
    SHOW(access("made2", R_OK | W_OK));
    SHOW(mkdir("dir", 0755));
    printf("open dir = %s\n", FD(fd, open("dir", O_RDONLY | O_DIRECTORY)));
    SHOW(mkdirat(fd, "in", 0755));
    SHOW(mkdirat(fd, "in", 0755));
    SHOW(symlinkat("../file", fd, "up"));
    SHOW(readlinkat(fd, "up", text, sizeof(text)));
    SHOW(readlinkat(fd, "up", text, 3));
    SHOW(readlinkat(fd, "in", text, 3));
    SHOW(renameat(AT_FDCWD, "made", fd, "moved"));
    SHOW(renameat(fd, "none", fd, "moved"));
    SHOW(faccessat(fd, "moved", F_OK, 0));
    SHOW(faccessat(fd, "moved", 77, 0));
    SHOW(faccessat(fd, "up", F_OK, AT_SYMLINK_NOFOLLOW));
    SHOW(fchmodat(fd, "moved", 0600, 0));
    SHOW(unlinkat(fd, "in", 0));
    SHOW(unlinkat(fd, "in", AT_REMOVEDIR));
    SHOW(unlinkat(fd, "moved", AT_REMOVEDIR));
    SHOW(unlinkat(fd, "moved", 77));
    SHOW(openat(fd, "none", O_RDONLY));
    SHOW(openat(77, "none", O_RDONLY));
    real = realpath("dir/up", NULL);
    SHOW(real && strcmp(strrchr(real, '/'), "/file") == 0);
    free(real);
    SHOW(realpath("dir/none", NULL) == NULL);
    SHOW(realpath("", NULL) == NULL);
    SHOW(realpath("file/", NULL) == NULL);
    real = realpath("dir/../dir/./.", NULL);
    SHOW(real && strcmp(strrchr(real, '/'), "/dir") == 0);
    free(real);
    real = get_current_dir_name();
    SHOW(real != NULL);
    free(real);
    SHOW(getcwd(text, 1) == NULL);
    SHOW(errno == ERANGE);
    SHOW(getcwd(text, 0) == NULL);
    SHOW(creat("created", 0600) >= 0);
    SHOW(truncate("created", 10));
    SHOW(truncate("created", -1));
    SHOW(truncate("dir", 1));
    SHOW(remove("dir/up"));
    SHOW(remove("dir"));
    SHOW(rename("created", "created"));
    SHOW(link("created", "linked"));
    SHOW(rename("created", "linked"));
    SHOW(access("created", F_OK));
    SHOW(eaccess("created", R_OK));
    SHOW(euidaccess("none", R_OK));
    SHOW(chdir("created"));
    SHOW(pathconf("created", _PC_NAME_MAX));
    close(fd);
}

static void attributes(void)
{
    char text[8];

    /* The file systems differ; only what is the same for all. */
    SHOW(getxattr("none", "user.a", text, sizeof(text)));
    SHOW(lgetxattr("none", "user.a", text, sizeof(text)));
    SHOW(fgetxattr(77, "user.a", text, sizeof(text)));
    SHOW(setxattr("none", "user.a", "b", 1, 0));
    SHOW(fsetxattr(77, "user.a", "b", 1, 0));
    SHOW(listxattr("none", text, sizeof(text)));
    SHOW(removexattr("none", "user.a"));
    SHOW(lremovexattr("none", "user.a"));
    SHOW(fremovexattr(77, "user.a"));
    SHOW(setxattr("created", "other.a", "b", 1, 0));
    SHOW(getxattr("created", "other.a", text, sizeof(text)));
}

static void topic(void)
{
    umask(022);
    times();
    space();
    names();
    attributes();
}

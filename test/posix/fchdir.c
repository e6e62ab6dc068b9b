/* SPDX-License-Identifier: MIT */
/* fchdir(): there and back, by descriptors of every kind, and what relative names mean afterwards. */
#include "topic.h"
#include <limits.h>
#include <sys/socket.h>

static char root[PATH_MAX];

/* The current directory, as a path from where the topic began. */
static const char *where(void)
{
    static char path[PATH_MAX];
    size_t n = strlen(root);

    if (!getcwd(path, sizeof(path))) {
        return errno_name(errno);
    }
    return strncmp(path, root, n) == 0 ? (path[n] ? path + n : "(root)") : "elsewhere";
}

static void topic(void)
{
    int top, deep, link, file, dot, made, pipes[2];

    if (!getcwd(root, sizeof(root))) {
        return;
    }
    mkdir("a", 0777);
    mkdir("a/b", 0777);
    mkdir("a/b/c", 0777);
    mkdir("with space", 0777);
    put_file("a/file", "in a");
    put_file("a/b/file", "in b");
    put_file("file", "in the root");
    symlink("a/b", "link");

    printf("open . = %s\n", FD(top, open(".", O_RDONLY)));
    printf("open a/b = %s\n", FD(deep, open("a/b", O_RDONLY | O_DIRECTORY)));
    printf("open link = %s\n", FD(link, open("link/c/..", O_RDONLY)));
    printf("open file = %s\n", FD(file, open("file", O_RDONLY)));

    SHOW(fchdir(deep));
    printf("the directory = %s\n", where());
    printf("file = %s\n", file_text("file"));
    printf("../file = %s\n", file_text("../file"));
    printf("../../file = %s\n", file_text("../../file"));
    SHOW(chdir("c"));
    printf("the directory = %s\n", where());
    SHOW(fchdir(top));
    printf("the directory = %s\n", where());
    printf("file = %s\n", file_text("file"));
    SHOW(fchdir(link));
    printf("the directory = %s\n", where());
    printf("open . there = %s\n", FD(dot, open(".", O_RDONLY)));
    SHOW(chdir("a"));
    SHOW(fchdir(dot));
    printf("the directory = %s\n", where());
    SHOW(fchdir(top));

    SHOW(chdir("with space"));
    printf("open . there = %s\n", FD(made, open(".", O_RDONLY)));
    SHOW(fchdir(top));
    SHOW(fchdir(made));
    printf("the directory = %s\n", where());
    SHOW(fchdir(top));

    /* A directory that has another name now. */
    SHOW(rename("a/b", "moved"));
    SHOW(fchdir(deep));
    printf("the directory = %s\n", where());
    printf("file = %s\n", file_text("file"));
    SHOW(mkdir("new", 0777));
    SHOW(fchdir(top));
    SHOW(access("moved/new", F_OK));
    SHOW(close(made));
    SHOW(fchdir(made));

    SHOW(fchdir(file));
    SHOW(fchdir(-1));
    SHOW(fchdir(999));
    SHOW(pipe(pipes));
    SHOW(fchdir(pipes[0]));
    SHOW(close(pipes[0]));
    SHOW(close(pipes[1]));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes));
    SHOW(fchdir(pipes[0]));
    printf("the directory = %s\n", where());

    /* A directory that is gone. */
    SHOW(mkdir("gone", 0777));
    printf("open gone = %s\n", FD(made, open("gone", O_RDONLY)));
    SHOW(rmdir("gone"));
    SHOW(fchdir(made));
    SHOW(fchdir(top));
    printf("the directory = %s\n", where());
}

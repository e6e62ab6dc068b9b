/* SPDX-License-Identifier: MIT */
/* Trees of directories: nftw(), ftw(), scandir(), and streams of directories with their positions. */
#include "topic.h"
#include <dirent.h>
#include <ftw.h>
#include <glob.h>

static const char *kind(int flag)
{
    return flag == FTW_F ? "F" : flag == FTW_D ? "D" : flag == FTW_DNR ? "DNR" : flag == FTW_NS ? "NS" : flag == FTW_SL ? "SL"
           : flag == FTW_DP ? "DP" : flag == FTW_SLN ? "SLN" : "?";
}

/* What was seen, sorted, because directories have no order. */
static char seen[64][96];
static int count, stop_at;

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void show(const char *what, int value)
{
    printf("%s = %s", what, value == -1 ? errno_name(errno) : value == 0 ? "0" : "stopped");
    if (!stop_at) {
        qsort(seen, (size_t)count, sizeof(seen[0]), compare);
        for (int i = 0; i < count; i++) {
            printf(" %s", seen[i]);
        }
    } else {
        printf(" after %d", count);
    }
    printf("\n");
    count = 0;
}

static int visit(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    snprintf(seen[count++], sizeof(seen[0]), "%s:%s%s,%d,%d", path, kind(flag), flag == FTW_F ? st->st_size == 4 ? "=4" : "=0" : "", at->base, at->level);
    return stop_at && count == stop_at ? 9 : 0;
}

static int visit_old(const char *path, const struct stat *st, int flag)
{
    (void)st;
    snprintf(seen[count++], sizeof(seen[0]), "%s:%s", path, kind(flag));
    return 0;
}

static char order[256];

static int visit_order(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    strcat(order, " ");
    strcat(order, path + at->base);
    return 0;
}

static void walks(void)
{
    mkdir("t", 0777);
    mkdir("t/a", 0777);
    mkdir("t/a/b", 0777);
    put_file("t/file", "text");
    put_file("t/a/empty", "");
    put_file("t/a/b/deep", "text");
    symlink("file", "t/link");
    symlink("nothing", "t/dangling");
    symlink("a", "t/dirlink");

    show("nftw physical", nftw("t", visit, 5, FTW_PHYS));
    show("nftw physical, depth", nftw("t", visit, 5, FTW_PHYS | FTW_DEPTH));
    show("nftw through links", nftw("t/a", visit, 5, 0));
    show("nftw, one descriptor", nftw("t", visit, 1, FTW_PHYS));
    show("nftw of a file", nftw("t/file", visit, 5, FTW_PHYS));
    show("nftw of a link", nftw("t/link", visit, 5, FTW_PHYS));
    show("nftw of a dangling link", nftw("t/dangling", visit, 5, 0));
    show("nftw of nothing", nftw("nothing", visit, 5, FTW_PHYS));
    show("nftw of an empty name", nftw("", visit, 5, FTW_PHYS));
    show("nftw t/", nftw("t/a/", visit, 5, FTW_PHYS));
    show("nftw .", nftw("./t/a/b", visit, 5, FTW_PHYS));
    stop_at = 2;
    show("nftw that is stopped", nftw("t", visit, 5, FTW_PHYS));
    stop_at = 0;
    show("ftw", ftw("t/a", visit_old, 5));
    show("ftw of a file", ftw("t/file", visit_old, 5));
    show("ftw of nothing", ftw("nothing", visit_old, 5));
    SHOW(nftw("t/a/b", visit_order, 5, FTW_PHYS));
    printf("a directory before its files =%s\n", order);
    order[0] = '\0';
    SHOW(nftw("t/a/b", visit_order, 5, FTW_PHYS | FTW_DEPTH));
    printf("after them =%s\n", order);
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void scans(void)
{
    static const char *const names[] = { "s/x10", "s/x9", "s/x1", "s/.hid", "s/B", "s/a" };
    struct dirent **found;
    int n;

    mkdir("s", 0777);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put_file(names[i], "");
    }
    mkdir("s/dir", 0777);
    symlink("a", "s/sym");
    for (int by = 0; by < 2; by++) {
        n = scandir("s", &found, not_hidden, by ? versionsort : alphasort);
        printf("scandir by %s = %d:", by ? "version" : "name", n);
        for (int i = 0; i < n; i++) {
            printf(" %s%s", found[i]->d_name, found[i]->d_type == DT_DIR ? "/" : found[i]->d_type == DT_LNK ? "@" : found[i]->d_type == DT_REG ? "" : "?");
            free(found[i]);
        }
        printf("\n");
        free(found);
    }
    n = scandir("s", &found, NULL, alphasort);
    printf("scandir of all = %d: %s %s\n", n, found[0]->d_name, found[1]->d_name);
    SHOW(scandir("nothing", &found, NULL, alphasort));
    SHOW(scandir("s/a", &found, NULL, alphasort));
}

static void streams(void)
{
    struct dirent *entry;
    int n = 0, fd, other;
    long at, third = 0;
    char name[256];
    DIR *dir = opendir("s");

    while (errno = 0, (entry = readdir(dir))) {
        at = telldir(dir);
        if (++n == 3) {
            third = at;
        }
        if (n == 4) {
            strcpy(name, entry->d_name);
        }
    }
    printf("readdir at the end = %s after %d\n", errno_name(errno), n);
    seekdir(dir, third);
    entry = readdir(dir);
    printf("after seekdir = %s\n", entry && strcmp(entry->d_name, name) == 0 ? "the fourth" : "another");
    rewinddir(dir);
    for (n = 0; readdir(dir); n++) {
    }
    printf("after rewinddir = %d\n", n);
    put_file("s/new", "");
    rewinddir(dir);
    for (n = 0; readdir(dir); n++) {
    }
    printf("with a new one = %d\n", n);
    SHOW(dirfd(dir) >= 0);
    fd = dirfd(dir);
    SHOW(faccessat(fd, "new", F_OK, 0));
    SHOW(closedir(dir));
    SHOW(close(fd));

    printf("opendir of nothing = %s\n", opendir("nothing") ? "ok" : errno_name(errno));
    printf("opendir of a file = %s\n", opendir("s/a") ? "ok" : errno_name(errno));
    printf("opendir of an empty name = %s\n", opendir("") ? "ok" : errno_name(errno));
    fd = open("s/a", O_RDONLY);
    printf("fdopendir of a file = %s\n", fdopendir(fd) ? "ok" : errno_name(errno));
    SHOW(close(fd));
    printf("fdopendir of no descriptor = %s\n", fdopendir(999) ? "ok" : errno_name(errno));
    fd = open("s", O_RDONLY | O_DIRECTORY);
    other = dup(fd);
    dir = fdopendir(fd);
    for (n = 0; readdir(dir); n++) {
    }
    printf("fdopendir = %d\n", n);
    SHOW(closedir(dir));
    SHOW(close(fd));
    SHOW(unlinkat(other, "new", 0));
    SHOW(close(other));

    /* Removing while reading. */
    mkdir("many", 0777);
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "many/%d", i);
        put_file(name, "");
    }
    dir = opendir("many");
    for (n = 0; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.') {
            n += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
        }
    }
    printf("removed while reading = %d\n", n);
    SHOW(closedir(dir));
    SHOW(rmdir("many"));

    /* A directory that is removed while it is open. */
    mkdir("gone", 0777);
    dir = opendir("gone");
    SHOW(rmdir("gone"));
    errno = 0;
    printf("readdir of what was removed = %s\n", (entry = readdir(dir)) ? "an entry" : errno_name(errno));
    SHOW(closedir(dir));
}

static int complaint;

static int complain(const char *path, int error)
{
    printf("glob complains of %s = %s\n", path, errno_name(error));
    return complaint;
}

static void globs(void)
{
    glob_t found = { .gl_offs = 2 };

    SHOW(glob("s/x*", GLOB_DOOFFS, NULL, &found));
    SHOW(found.gl_pathc);
    printf("reserved = %d\n", !found.gl_pathv[0] && !found.gl_pathv[1]);
    printf("first = %s\n", found.gl_pathv[2]);
    SHOW(glob("s/[aB]", GLOB_DOOFFS | GLOB_APPEND, NULL, &found));
    SHOW(found.gl_pathc);
    printf("fourth and fifth = %s %s\n", found.gl_pathv[5], found.gl_pathv[6]);
    SHOW(!found.gl_pathv[7]);
    globfree(&found);
    SHOW(glob("s/zz*", 0, complain, &found));
    SHOW(glob("t/*/*", 0, complain, &found));
    for (size_t i = 0; i < found.gl_pathc; i++) {
        printf("%s\n", found.gl_pathv[i]);
    }
    globfree(&found);
    SHOW(glob("s/x\\1", GLOB_NOESCAPE, NULL, &found) == GLOB_NOMATCH);
    SHOW(glob("s/\\x1", 0, NULL, &found));
    SHOW(found.gl_pathc);
    globfree(&found);
    SHOW(glob("t/*", GLOB_NOSORT, NULL, &found));
    SHOW(found.gl_pathc);
    globfree(&found);
    SHOW(glob("~", 0, NULL, &found) == GLOB_NOMATCH);
    setenv("HOME", "s", 1);
    SHOW(glob("~/x1", GLOB_TILDE, NULL, &found));
    printf("home = %s\n", found.gl_pathv[0]);
    globfree(&found);
}

static void topic(void)
{
    walks();
    scans();
    streams();
    globs();
}

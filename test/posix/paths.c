/* SPDX-License-Identifier: MIT */
/* Every call that takes a path, on every shape of path: what it returns, and what the tree is afterwards. */
#include "topic.h"

#include <dirent.h>
#include <limits.h>
#include <sys/time.h>

static const char *const LINKS[][2] = {
    { "to-file", "file" }, { "to-file-slash", "file/" }, { "to-dir", "dir" }, { "to-dir-slash", "dir/" },
    { "to-dir-dot", "dir/." }, { "to-empty", "empty" }, { "to-link", "to-dir" }, { "to-up", ".." },
    { "dangling", "missing" }, { "dangling-slash", "missing/" }, { "dangling-deep", "missing/x" },
    { "loop", "loop" },
};
enum { LINK_COUNT = sizeof(LINKS) / sizeof(LINKS[0]) };

/* The directory whose tree the calls change, as an absolute path. */
static char root[PATH_MAX];

static char long_name[300], long_path[PATH_MAX + 100], longest_path[PATH_MAX + 100];

/* Written with names, because the text itself would be too long, or no text. */
static const struct {
    const char *path, *shown;
} SHAPES[] = {
    { "file", 0 }, { "file/", 0 }, { "file//", 0 }, { "file/.", 0 }, { "file/..", 0 }, { "file/x", 0 }, { "file/../file", 0 },
    { "dir", 0 }, { "dir/", 0 }, { "dir//", 0 }, { "dir/.", 0 }, { "dir/./", 0 }, { "dir/..", 0 }, { "dir/../", 0 },
    { "dir/inner", 0 }, { "dir//inner", 0 }, { "./dir/./inner", 0 }, { "dir/../file", 0 }, { "dir/missing", 0 },
    { "dir/missing/", 0 }, { "empty", 0 }, { "empty/", 0 }, { "empty/.", 0 }, { "empty/..", 0 },
    { "missing", 0 }, { "missing/", 0 }, { "missing/.", 0 }, { "missing/..", 0 }, { "missing/x", 0 }, { "missing/../file", 0 },
    { "to-file", 0 }, { "to-file/", 0 }, { "to-file/.", 0 }, { "to-file-slash", 0 },
    { "to-dir", 0 }, { "to-dir/", 0 }, { "to-dir/.", 0 }, { "to-dir/..", 0 }, { "to-dir/inner", 0 }, { "to-dir-slash", 0 },
    { "to-dir-dot", 0 }, { "to-dir-slash/", 0 }, { "to-empty", 0 }, { "to-empty/", 0 }, { "to-link", 0 }, { "to-link/inner", 0 },
    { "to-up", 0 }, { "to-up/tree/file", 0 },
    { "dangling", 0 }, { "dangling/", 0 }, { "dangling/.", 0 }, { "dangling/x", 0 }, { "dangling-slash", 0 }, { "dangling-deep", 0 },
    { "loop", 0 }, { "loop/", 0 }, { "loop/x", 0 }, { "../tree/file", 0 }, { "../tree", 0 },
    { ".", 0 }, { "./", 0 }, { "..", 0 }, { "", "(empty)" },
    { long_name, "(a name of 299)" }, { long_path, "(a path of 4195)" }, { longest_path, "(a path of 4095)" },
    { "\xff", "(byte ff)" }, { "dir/\xff\xfe", "dir/(bytes ff fe)" }, { "caf\xc3\xa9", 0 },
};
enum { SHAPE_COUNT = sizeof(SHAPES) / sizeof(SHAPES[0]) };

static void set_up(void)
{
    put_file("file", "content");
    put_file("source", "source");
    mkdir("dir", 0777);
    put_file("dir/inner", "inner");
    mkdir("empty", 0777);
    mkdir("source-dir", 0777);
    for (int i = 0; i < LINK_COUNT; i++) {
        symlink(LINKS[i][1], LINKS[i][0]);
    }
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Appends what is below path to text, sorted. */
static void list(const char *path, char *text, size_t size)
{
    char *names[64];
    int n = 0;
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) && n < 64) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            names[n++] = strdup(entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    qsort(names, (size_t)n, sizeof(names[0]), by_name);
    for (int i = 0; i < n; i++) {
        char whole[1000], target[64];
        size_t used = strlen(text);
        struct stat st;
        snprintf(whole, sizeof(whole), "%s/%s", path, names[i]);
        if (lstat(whole, &st) < 0) {
            snprintf(text + used, size - used, " %s?", whole);
        } else if (S_ISLNK(st.st_mode)) {
            ssize_t got = readlink(whole, target, sizeof(target) - 1);
            target[got < 0 ? 0 : got] = '\0';
            snprintf(text + used, size - used, " %s->%s", whole + 2, target);
        } else if (S_ISDIR(st.st_mode)) {
            snprintf(text + used, size - used, " %s/%o", whole + 2, (unsigned)st.st_mode & 07777);
            list(whole, text, size);
        } else {
            snprintf(text + used, size - used, " %s:%s,%o,%d%s", whole + 2, file_text(whole), (unsigned)st.st_mode & 07777,
                     (int)st.st_nlink, st.st_mtime == 1000 ? ",touched" : "");
        }
        free(names[i]);
    }
}

/* Removes everything below path, which is root or in it. */
static void take_down(const char *path)
{
    DIR *dir = strncmp(path, root, strlen(root)) == 0 ? opendir(path) : NULL;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char whole[1000];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(whole, sizeof(whole), "%s/%s", path, entry->d_name);
        if (lstat(whole, &st) == 0 && S_ISDIR(st.st_mode)) {
            take_down(whole);
            rmdir(whole);
        } else {
            unlink(whole);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* ---- The calls */

static const char *opened(int fd)
{
    const char *text = result(fd < 0 ? -1 : 0);

    if (fd >= 0) {
        write(fd, "W", 1);
        close(fd);
    }
    return text;
}

#define OPEN(name, flags) \
    static const char *name(const char *path) { return opened(open(path, flags, 0640)); }
#define CALL(name, call) \
    static const char *name(const char *path) { return result(call); }

OPEN(open_rdonly, O_RDONLY)
OPEN(open_wronly, O_WRONLY)
OPEN(open_creat, O_CREAT | O_WRONLY)
OPEN(open_excl, O_CREAT | O_EXCL | O_WRONLY)
OPEN(open_trunc, O_TRUNC | O_RDWR)
OPEN(open_creat_trunc, O_CREAT | O_TRUNC | O_WRONLY)
OPEN(open_append, O_APPEND | O_WRONLY)
OPEN(open_directory, O_DIRECTORY | O_RDONLY)
OPEN(open_nofollow, O_NOFOLLOW | O_RDONLY)
OPEN(open_creat_nofollow, O_CREAT | O_NOFOLLOW | O_WRONLY)
OPEN(open_directory_nofollow, O_DIRECTORY | O_NOFOLLOW | O_RDONLY)
CALL(access_exists, access(path, F_OK))
CALL(access_write, access(path, R_OK | W_OK))
CALL(call_mkdir, mkdir(path, 0750))
CALL(call_rmdir, rmdir(path))
CALL(call_unlink, unlink(path))
CALL(call_remove, remove(path))
CALL(rename_from, rename(path, "fresh"))
CALL(rename_from_slash, rename(path, "fresh/"))
CALL(rename_file_to, rename("source", path))
CALL(rename_dir_to, rename("source-dir", path))
CALL(rename_to_itself, rename(path, path))
CALL(link_from, link(path, "fresh"))
CALL(link_from_follow, linkat(AT_FDCWD, path, AT_FDCWD, "fresh", AT_SYMLINK_FOLLOW))
CALL(link_to, link("source", path))
CALL(symlink_at, symlink("target", path))
CALL(symlink_to, symlink(path, "fresh"))
CALL(call_chmod, chmod(path, 0744))
CALL(call_chown, chown(path, getuid(), (gid_t)-1))
CALL(call_lchown, lchown(path, (uid_t)-1, getgid()))
CALL(call_truncate, truncate(path, 3))
CALL(call_chdir, chdir(path))

static const char *stat_result(int ret, const struct stat *st)
{
    static char text[64];

    if (ret < 0) {
        return errno_name(errno);
    }
    snprintf(text, sizeof(text), "%o", (unsigned)st->st_mode);
    if (S_ISREG(st->st_mode)) {
        snprintf(text + strlen(text), 32, ", %d", (int)st->st_size);
    }
    return text;
}

static const char *call_stat(const char *path)
{
    struct stat st;

    return stat_result(stat(path, &st), &st);
}

static const char *call_lstat(const char *path)
{
    struct stat st;

    return stat_result(lstat(path, &st), &st);
}

static const char *call_readlink(const char *path)
{
    static char text[64];
    ssize_t got = readlink(path, text, sizeof(text) - 1);

    if (got < 0) {
        return errno_name(errno);
    }
    text[got] = '\0';
    return text;
}

static const char *call_opendir(const char *path)
{
    DIR *dir = opendir(path);
    static char text[32];
    int n = 0;

    if (!dir) {
        return errno_name(errno);
    }
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    snprintf(text, sizeof(text), "%d entries", n);
    return text;
}

static const char *utimens(const char *path, int flags)
{
    struct timespec times[2] = { { 2000, 0 }, { 1000, 0 } };

    return result(utimensat(AT_FDCWD, path, times, flags));
}

static const char *utimens_follow(const char *path)
{
    return utimens(path, 0);
}

static const char *utimens_nofollow(const char *path)
{
    return utimens(path, AT_SYMLINK_NOFOLLOW);
}

/* Without what is above the topic's own directory, which is elsewhere on Linux. */
static const char *call_realpath(const char *path)
{
    static char whole[PATH_MAX], top[PATH_MAX];

    if (!realpath(path, whole)) {
        return errno_name(errno);
    }
    realpath("..", top);
    return strncmp(whole, top, strlen(top)) == 0 ? whole + strlen(top) : whole;
}

static const char *call_mkstemp(const char *path)
{
    char name[PATH_MAX + 200];

    snprintf(name, sizeof(name), "%sXXXXXX", path);
    int fd = mkstemp(name);
    if (fd >= 0) {
        unlink(name);
    }
    return opened(fd);
}

static const char *call_mkdtemp(const char *path)
{
    char name[PATH_MAX + 200];

    snprintf(name, sizeof(name), "%sXXXXXX", path);
    return mkdtemp(name) ? result(rmdir(name)) : errno_name(errno);
}

static const char *call_fopen(const char *path)
{
    FILE *file = fopen(path, "r+");

    return file ? result(fclose(file)) : errno_name(errno);
}

static const struct {
    const char *name;
    const char *(*call)(const char *path);
} CALLS[] = {
    { "open RDONLY", open_rdonly }, { "open WRONLY", open_wronly }, { "open CREAT", open_creat }, { "open CREAT|EXCL", open_excl },
    { "open TRUNC", open_trunc }, { "open CREAT|TRUNC", open_creat_trunc }, { "open APPEND", open_append },
    { "open DIRECTORY", open_directory }, { "open NOFOLLOW", open_nofollow }, { "open CREAT|NOFOLLOW", open_creat_nofollow },
    { "open DIRECTORY|NOFOLLOW", open_directory_nofollow }, { "stat", call_stat }, { "lstat", call_lstat },
    { "access F", access_exists }, { "access RW", access_write }, { "mkdir", call_mkdir }, { "rmdir", call_rmdir },
    { "unlink", call_unlink }, { "remove", call_remove }, { "rename from", rename_from }, { "rename from, to fresh/", rename_from_slash },
    { "rename file to", rename_file_to }, { "rename dir to", rename_dir_to }, { "rename to itself", rename_to_itself },
    { "link from", link_from }, { "link from, follow", link_from_follow }, { "link to", link_to }, { "symlink at", symlink_at },
    { "symlink to", symlink_to }, { "readlink", call_readlink }, { "opendir", call_opendir }, { "chmod", call_chmod },
    { "chown", call_chown }, { "lchown", call_lchown }, { "truncate", call_truncate }, { "utimensat", utimens_follow },
    { "utimensat, no follow", utimens_nofollow }, { "realpath", call_realpath }, { "mkstemp", call_mkstemp },
    { "mkdtemp", call_mkdtemp }, { "chdir", call_chdir }, { "fopen", call_fopen },
};
enum { CALL_COUNT = sizeof(CALLS) / sizeof(CALLS[0]) };

static void topic(void)
{
    static char before[4000], after[4000];

    memset(long_name, 'n', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(long_path) - 1; i++) {
        long_path[i] = "dir/../"[i % 7];
    }
    for (size_t i = 0; i < PATH_MAX - 1; i++) {
        longest_path[i] = i < PATH_MAX - 5 ? '/' : "file"[i - (PATH_MAX - 5)];
    }
    longest_path[0] = '.';
    umask(022);
    mkdir("tree", 0777);
    chdir("tree");
    if (!getcwd(root, sizeof(root)) || strlen(root) < 10 || strcmp(root + strlen(root) - 5, "/tree") != 0) {
        printf("the directory is not where it should be: %s\n", root);
        exit(1);
    }
    set_up();
    list(".", before, sizeof(before));
    printf("tree =%s\n", before);
    for (int c = 0; c < CALL_COUNT; c++) {
        for (int s = 0; s < SHAPE_COUNT; s++) {
            const char *text;
            errno = 0;
            text = CALLS[c].call(SHAPES[s].path);
            if (chdir(root) != 0) {
                printf("%s is gone\n", root);
                exit(1);
            }
            printf("%s %s = %s", CALLS[c].name, SHAPES[s].shown ? SHAPES[s].shown : SHAPES[s].path, text);
            after[0] = '\0';
            list(".", after, sizeof(after));
            if (strcmp(before, after) != 0) {
                /* What is there now and was not before, and what has gone. */
                printf("; tree:");
                for (char *entry = strtok(strdup(after), " "); entry; entry = strtok(NULL, " ")) {
                    char *found = strstr(before, entry);
                    if (!found) {
                        printf(" +%s", entry);
                    }
                }
                for (char *entry = strtok(strdup(before), " "); entry; entry = strtok(NULL, " ")) {
                    if (!strstr(after, entry)) {
                        printf(" -%s", entry);
                    }
                }
                take_down(root);
                set_up();
            }
            printf("\n");
        }
    }
}

/* SPDX-License-Identifier: MIT */
/* The flags of the calls that take a directory and a path, those that a call does not know among them, and AT_EMPTY_PATH. */
#include "topic.h"

static int dir, file, path;

static int do_fstatat(int at, const char *name, int flags)
{
    struct stat stat;

    return fstatat(at, name, &stat, flags) != 0 ? -1 : (int)(stat.st_mode >> 12);
}

static int do_statx(int at, const char *name, int flags)
{
    struct statx stat;

    return statx(at, name, flags, STATX_BASIC_STATS, &stat) != 0 ? -1 : stat.stx_mode >> 12;
}

static int do_faccessat(int at, const char *name, int flags)
{
    return faccessat(at, name, F_OK, flags);
}

static int do_utimensat(int at, const char *name, int flags)
{
    return utimensat(at, name, (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, flags);
}

static int do_fchownat(int at, const char *name, int flags)
{
    return fchownat(at, name, (uid_t)-1, (gid_t)-1, flags);
}

static int do_fchmodat(int at, const char *name, int flags)
{
    return fchmodat(at, name, 0755, flags);
}

/* Removes nothing but victim, which is a directory. */
static int do_unlinkat(int at, const char *name, int flags)
{
    mkdir("victim", 0700);
    errno = 0;
    return unlinkat(at, strcmp(name, "d") == 0 ? "victim" : *name == '\0' ? "" : "nowhere", flags);
}

static int do_linkat(int at, const char *name, int flags)
{
    struct stat stat;

    /* What a descriptor is, only a process with privileges may link. */
    if (flags & AT_EMPTY_PATH && *name == '\0') {
        return 0;
    }
    if (linkat(at, name, AT_FDCWD, "made", flags) != 0) {
        return -1;
    }
    lstat("made", &stat);
    unlink("made");
    return (int)(stat.st_mode >> 12);
}

static void each(const char *call_name, int (*call)(int at, const char *name, int flags))
{
    /* Each flag that some call knows, and one that none does. */
    static const int flags[] = { 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x40000000 };
    static const char *const names[] = { "f", "l", "dangling", "d", "" };

    for (unsigned i = 0; i < 7; i++) {
        for (unsigned n = 0; n < 5; n++) {
            const char *name = names[n];

            printf("%s(…, \"%s\", %#x) =", call_name, name, (unsigned)flags[i]);
            printf(" %s", R(call(AT_FDCWD, name, flags[i])));
            printf(" %s", R(call(dir, name, flags[i])));
            printf(" %s", R(call(file, name, flags[i])));
            printf(" %s", R(call(path, name, flags[i])));
            printf(" %s\n", R(call(99, name, flags[i])));
        }
    }
}

static void topic(void)
{
    put_file("f", "text");
    mkdir("d", 0755);
    if (symlink("f", "l") != 0 || symlink("nowhere", "dangling") != 0) {
        printf("no links\n");
    }
    dir = open(".", O_RDONLY | O_DIRECTORY);
    file = open("f", O_RDWR);
    path = open("f", O_PATH);
    each("fstatat", do_fstatat);
    each("statx", do_statx);
    each("faccessat", do_faccessat);
    each("utimensat", do_utimensat);
    each("fchownat", do_fchownat);
    each("fchmodat", do_fchmodat);
    each("unlinkat", do_unlinkat);
    each("linkat", do_linkat);
    /* Of an open file it is looked at what it is, not at a name. */
    SHOW(faccessat(file, "", R_OK | W_OK, AT_EMPTY_PATH));
    SHOW(fchmod(file, 0755));
    SHOW(faccessat(file, "", X_OK, AT_EMPTY_PATH));
    SHOW(unlink("f"));
    SHOW(faccessat(file, "", X_OK, AT_EMPTY_PATH));
    SHOW(fstatat(file, "", &(struct stat){ 0 }, AT_EMPTY_PATH));
}

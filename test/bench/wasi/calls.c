/* SPDX-License-Identifier: MIT */
/*
 * Times WASI calls from inside a guest, on any host: each line of the bench is a loop
 * around one call or two. Its arguments are the time for each line in ms and the names
 * of the lines; it prints "NAME NANOSECONDS" for each of several samples.
 *
 * The directory is the first one that it was given (fd 3). It has to contain file (1 MiB),
 * many/ (64 files), link (to file), and a chain of directories d/d/d/d/d/d/d/d with a file.
 */
#include "../../jest/plain/wasi.h"

WASI(fd_seek) int fd_seek(int fd, int64_t offset, int whence, uint64_t *result);
WASI(fd_pread) int fd_pread(int fd, const Vec *vecs, uint32_t n, uint64_t offset, uint32_t *got);
WASI(fd_pwrite) int fd_pwrite(int fd, const Vec *vecs, uint32_t n, uint64_t offset, uint32_t *put);
WASI(fd_fdstat_get) int fd_fdstat_get(int fd, void *stat);
WASI(fd_filestat_get) int fd_filestat_get(int fd, void *stat);
WASI(fd_readdir) int fd_readdir(int fd, void *buffer, uint32_t size, uint64_t cookie, uint32_t *used);
WASI(path_open) int path_open(int dir, int lookup, const char *path, uint32_t size, int oflags, uint64_t rights,
                              uint64_t inheriting, int fdflags, int *fd);
WASI(path_filestat_get) int path_filestat_get(int dir, int lookup, const char *path, uint32_t size, void *stat);
WASI(path_readlink) int path_readlink(int dir, const char *path, uint32_t size, char *buffer, uint32_t room, uint32_t *used);
WASI(path_create_directory) int path_create_directory(int dir, const char *path, uint32_t size);
WASI(path_remove_directory) int path_remove_directory(int dir, const char *path, uint32_t size);
WASI(path_rename) int path_rename(int dir, const char *from, uint32_t size, int to_dir, const char *to, uint32_t to_size);

enum { DIR = 3, READ = 1 << 1, SEEK = 1 << 2, TELL = 1 << 5, WRITE = 1 << 6, READDIR = 1 << 14, STAT = 1 << 21, FOLLOW = 1 };
/* The samples of each line. */
enum { SAMPLES = 15 };

static char block[4096], big[65536];
static int file;
static uint64_t result;
static uint32_t count;
static char stat[64];

static void must(int errno)
{
    if (errno != 0) {
        print("a call failed\n");
        proc_exit(errno);
    }
}

static int opened(int dir, const char *path, uint32_t size, uint64_t rights)
{
    int fd;

    must(path_open(dir, FOLLOW, path, size, 0, rights, rights, 0, &fd));
    return fd;
}

static void seek(void) { must(fd_seek(file, 4096, 0, &result)); }
static void clock(void) { must(clock_time_get(1, 1, &result)); }
static void fdstat(void) { must(fd_fdstat_get(file, stat)); }
static void filestat(void) { must(fd_filestat_get(file, stat)); }

static void read_4k(void)
{
    Vec vec = { block, sizeof(block) };

    must(fd_read(file, &vec, 1, &count));
    if (count == 0) {
        must(fd_seek(file, 0, 0, &result));
    }
}

static void write_4k(void)
{
    static uint32_t written;
    Vec vec = { block, sizeof(block) };

    must(fd_write(file, &vec, 1, &count));
    if (++written % 256 == 0) {
        must(fd_seek(file, 0, 0, &result));
    }
}

static void pread_4k(void)
{
    Vec vec = { block, sizeof(block) };

    must(fd_pread(file, &vec, 1, 8192, &count));
}

static void pwrite_4k(void)
{
    Vec vec = { block, sizeof(block) };

    must(fd_pwrite(file, &vec, 1, 8192, &count));
}

static void list(int many)
{
    uint64_t cookie = 0;

    do {
        uint32_t at = 0;

        must(fd_readdir(many, big, sizeof(big), cookie, &count));
        while (at + 24 <= count) {
            uint64_t next = *(uint64_t *)(big + at);
            uint32_t length = *(uint32_t *)(big + at + 16);

            if (at + 24 + length > count) {
                break;
            }
            cookie = next;
            at += 24 + length;
        }
    } while (count == sizeof(big));
}

static void readdir(void)
{
    static int many = -1;

    if (many < 0) {
        many = opened(DIR, "many", 4, READDIR | STAT);
    }
    list(many);
}

/* Through a new descriptor each time. */
static void readdir_new(void)
{
    int many = opened(DIR, "many", 4, READDIR | STAT);

    list(many);
    must(fd_close(many));
}

static void open_close(const char *path)
{
    must(fd_close(opened(DIR, path, length_of(path), READ | SEEK | STAT)));
}

static void path_stat(const char *path)
{
    must(path_filestat_get(DIR, FOLLOW, path, length_of(path), stat));
}

#define NINE "d/d/d/d/d/d/d/d/file"
static void open_1(void) { open_close("file"); }
static void open_9(void) { open_close(NINE); }
static void stat_1(void) { path_stat("file"); }
static void stat_9(void) { path_stat(NINE); }
static void open_link(void) { open_close("link"); }
static void stat_new(void)
{
    static char path[] = "tree/0/0/0/file";
    static uint32_t n;

    /* Another directory each time. */
    n++;
    path[5] = (char)('0' + n % 8);
    path[7] = (char)('0' + n / 8 % 8);
    path[9] = (char)('0' + n / 64 % 8);
    path_stat(path);
}

static void stat_missing(void)
{
    if (path_filestat_get(DIR, FOLLOW, "missing", 7, stat) != 44) {
        must(1);
    }
}

static void readlink(void) { must(path_readlink(DIR, "link", 4, block, sizeof(block), &count)); }

static void mkdir_rmdir(void)
{
    must(path_create_directory(DIR, "made", 4));
    must(path_remove_directory(DIR, "made", 4));
}

static void rename_both(void)
{
    must(path_rename(DIR, "moved", 5, DIR, "other", 5));
    must(path_rename(DIR, "other", 5, DIR, "moved", 5));
}

static const struct {
    const char *name;
    void (*work)(void);
} lines[] = {
    { "w_seek", seek }, { "w_clock", clock }, { "w_fdstat", fdstat }, { "w_fstat", filestat },
    { "w_read_4k", read_4k }, { "w_write_4k", write_4k }, { "w_pread_4k", pread_4k }, { "w_pwrite_4k", pwrite_4k },
    { "w_readdir_64", readdir }, { "w_readdir_new", readdir_new }, { "w_open_1", open_1 }, { "w_open_9", open_9 }, { "w_open_link", open_link },
    { "w_stat_1", stat_1 }, { "w_stat_9", stat_9 }, { "w_stat_new", stat_new }, { "w_stat_missing", stat_missing },
    { "w_readlink", readlink }, { "w_mkdir_rmdir", mkdir_rmdir }, { "w_rename_2", rename_both },
};

static uint64_t now(void)
{
    uint64_t ns;

    clock_time_get(1, 1, &ns);
    return ns;
}

static void number(uint64_t value)
{
    char digits[24], *at = digits + sizeof(digits);

    *--at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    print(at);
}

static void measure(const char *name, void (*work)(void), uint64_t ns)
{
    uint64_t rounds = 1, took = 0;

    /* Warms the call up, and finds out how often it can be made in the time of a sample. */
    for (uint64_t warm = 0; warm < ns / 4 || took < ns / SAMPLES; warm += took) {
        uint64_t start = now();

        for (uint64_t i = 0; i < rounds; i++) {
            work();
        }
        took = now() - start;
        if (took < ns / SAMPLES) {
            rounds *= 2;
        }
    }
    for (int sample = 0; sample < SAMPLES; sample++) {
        uint64_t start = now();

        for (uint64_t i = 0; i < rounds; i++) {
            work();
        }
        /* In picoseconds, so that short calls have three digits. */
        took = (now() - start) * 1000 / rounds;
        print(name);
        print(" ");
        number(took);
        print("\n");
    }
}

__attribute__((export_name("_start"))) void start(void)
{
    static char *arguments[64], text[4096];
    uint32_t n, size;
    uint64_t ms = 0;

    args_sizes_get(&n, &size);
    if (n < 2 || n > 64 || size > sizeof(text)) {
        proc_exit(2);
    }
    args_get(arguments, text);
    for (const char *at = arguments[1]; *at; at++) {
        ms = ms * 10 + (uint64_t)(*at - '0');
    }
    file = opened(DIR, "file", 4, READ | WRITE | SEEK | TELL | STAT);
    for (uint32_t i = 2; i < n; i++) {
        for (uint32_t line = 0; line < sizeof(lines) / sizeof(lines[0]); line++) {
            if (same(lines[line].name, arguments[i])) {
                measure(lines[line].name, lines[line].work, ms * 1000000);
            }
        }
    }
}

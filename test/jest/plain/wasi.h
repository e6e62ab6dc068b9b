/* SPDX-License-Identifier: MIT */
#ifndef WASI_H
#define WASI_H
/*
 * WASI preview1 for modules without a libc, as strangers' modules are: built for
 * wasm32-unknown-unknown, with a memory of their own.
 */
#include <stddef.h>
#include <stdint.h>

#define WASI(name) \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef struct { const void *data; uint32_t size; } Vec;
typedef struct {
    uint64_t userdata;
    uint8_t tag;
    union {
        struct { uint32_t id; uint64_t timeout, precision; uint16_t flags; } clock;
        uint32_t fd;
    } __attribute__((aligned(8))) u;
} Subscription;
typedef struct {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    uint64_t nbytes;
    uint16_t flags;
} Event;
_Static_assert(sizeof(Subscription) == 48 && sizeof(Event) == 32, "the ABI's");

WASI(args_sizes_get) int args_sizes_get(uint32_t *count, uint32_t *size);
WASI(args_get) int args_get(char **pointers, char *text);
WASI(clock_time_get) int clock_time_get(int clock, uint64_t precision, uint64_t *ns);
WASI(fd_read) int fd_read(int fd, const Vec *vecs, uint32_t n, uint32_t *got);
WASI(fd_write) int fd_write(int fd, const Vec *vecs, uint32_t n, uint32_t *put);
WASI(fd_close) int fd_close(int fd);
WASI(poll_oneoff) int poll_oneoff(const Subscription *in, Event *out, uint32_t n, uint32_t *count);
WASI(proc_exit) _Noreturn void proc_exit(int code);

static inline uint32_t length_of(const char *text)
{
    uint32_t n = 0;

    while (text[n]) {
        n++;
    }
    return n;
}

static inline int same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static inline void print(const char *text)
{
    Vec vec = { text, length_of(text) };
    uint32_t put;

    fd_write(1, &vec, 1, &put);
}

/* The program's argument. */
static inline const char *argument(void)
{
    static char *pointers[8], text[1024];
    uint32_t count, size;

    args_sizes_get(&count, &size);
    if (count < 2 || count > 8 || size > sizeof(text)) {
        return "";
    }
    args_get(pointers, text);
    return pointers[1];
}

#endif

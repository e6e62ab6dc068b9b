/* SPDX-License-Identifier: MIT */
/* A preview1 command as strangers build them; its argument says what it does. */
#include "wasi.h"

static char buffer[65536];

/* Grows the memory page by page, and prints how many pages there are when that fails. */
static void grow(void)
{
    static char digits[8];
    char *at = digits + sizeof(digits) - 2;

    while (__builtin_wasm_memory_grow(0, 1) != (size_t)-1) {
    }
    *at = '\n';
    for (size_t pages = __builtin_wasm_memory_size(0); pages > 0; pages /= 10) {
        *--at = (char)('0' + pages % 10);
    }
    print(at);
}

static void cat(void)
{
    Vec vec = { buffer, sizeof(buffer) };
    uint32_t n;

    while (fd_read(0, &vec, 1, &n) == 0 && n > 0) {
        Vec out = { buffer, n };
        while (out.size > 0) {
            if (fd_write(1, &out, 1, &n) != 0) {
                proc_exit(9);
            }
            out.data = (const char *)out.data + n;
            out.size -= n;
        }
    }
}

/* One read of at most 7 bytes: how many there were, and which. */
static void seven(void)
{
    Vec vec = { buffer, 7 };
    uint32_t n = 0;
    static char head[] = "0: ";

    if (fd_read(0, &vec, 1, &n) != 0) {
        print("error\n");
        return;
    }
    head[0] = (char)('0' + n);
    buffer[n] = '\0';
    print(head);
    print(buffer);
    print(n > 0 && buffer[n - 1] == '\n' ? "" : "\n");
}

/* Says which comes first: a byte or the end of the time (ms). */
static const char *input_or_clock(uint64_t ms)
{
    Subscription in[2] = {
        { .userdata = 1, .tag = 1, .u.fd = 0 },
        { .userdata = 2, .u.clock = { .id = 1, .timeout = ms * 1000000 } },
    };
    Event out[2];
    uint32_t n;

    if (poll_oneoff(in, out, 2, &n) != 0 || n != 1) {
        proc_exit(8);
    }
    return out[0].userdata == 2 ? "time\n" : out[0].flags & 1 ? "end\n" : "input\n";
}

static __attribute__((noinline)) int down(volatile int depth)
{
    return depth > 0 ? down(depth + 1) + depth : 0;
}

static __attribute__((noinline)) void trap_here(void)
{
    __builtin_trap();
}

void _start(void);
__attribute__((export_name("_start"))) void _start(void)
{
    const char *what = argument();

    if (same(what, "cat")) {
        cat();
    } else if (same(what, "grow")) {
        grow();
    } else if (same(what, "seven")) {
        seven();
    } else if (same(what, "wait")) {
        print(input_or_clock(100000));
    } else if (same(what, "time")) {
        print(input_or_clock(50));
    } else if (same(what, "ignore")) {
        print("not read\n");
    } else if (same(what, "exit")) {
        proc_exit(7);
    } else if (same(what, "trap")) {
        print("before\n");
        trap_here();
    } else if (same(what, "recurse")) {
        down(1);
    } else if (same(what, "spin")) {
        for (volatile int i = 0;; i++) {
        }
    } else {
        proc_exit(2);
    }
}

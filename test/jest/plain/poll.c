/* SPDX-License-Identifier: MIT */
/*
 * poll_oneoff on streams of the host, on any host. Each digit on standard output
 * asks the host for something:
 *   1  'abc' comes on fd 3        3  fd 5 takes bytes again
 *   2  fd 4 ends                  4  fd 3 ends
 * fd 5 takes no bytes at first. Exit code 0, or the line of what was not so.
 */
#include "wasi.h"

#define CHECK(e) ((e) ? (void)0 : proc_exit(__LINE__))
enum { READ = 1, WRITE = 2, SECOND = 1000000000 };

static Event out[8];
static uint32_t n;

static Subscription on(int tag, int fd)
{
    return (Subscription){ .userdata = (uint64_t)(10 * fd + tag), .tag = (uint8_t)tag, .u.fd = (uint32_t)fd };
}

static Subscription clock_in(uint64_t ns)
{
    return (Subscription){ .userdata = 7, .u.clock = { .id = 1, .timeout = ns } };
}

static uint64_t now(void)
{
    uint64_t ns = 0;

    CHECK(clock_time_get(1, 1, &ns) == 0);
    return ns;
}

static uint64_t written(int fd, const char *data, uint32_t size)
{
    Vec vec = { data, size };
    uint32_t put = 0;

    CHECK(fd_write(fd, &vec, 1, &put) == 0);
    return put;
}

static char block[65536];

void _start(void);
__attribute__((export_name("_start"))) void _start(void)
{
    Subscription in[5] = { on(READ, 3), on(READ, 4), clock_in(20000000) };
    uint64_t start = now();
    uint32_t got;
    Vec vec = { block, sizeof(block) };

    /* Nothing comes: the clock does, and not too early. */
    CHECK(poll_oneoff(in, out, 3, &n) == 0 && n == 1 && out[0].userdata == 7);
    CHECK(now() - start >= 20000000);

    /* One of several, which comes while this sleeps. */
    in[2] = clock_in(100ull * SECOND);
    written(1, "1", 1);
    CHECK(poll_oneoff(in, out, 3, &n) == 0 && n == 1);
    CHECK(out[0].userdata == 31 && out[0].type == READ && out[0].error == 0);
    CHECK(out[0].nbytes == 3 && out[0].flags == 0);
    vec.size = 1;
    CHECK(fd_read(3, &vec, 1, &got) == 0 && got == 1 && block[0] == 'a');

    /* A bad fd is reported beside what is ready; writing is. */
    in[3] = on(READ, 99);
    in[4] = on(WRITE, 1);
    CHECK(poll_oneoff(in, out, 5, &n) == 0 && n == 3);
    CHECK(out[0].userdata == 31 && out[0].nbytes == 2);
    CHECK(out[1].userdata == 991 && out[1].error == 8 && out[1].nbytes == 0);
    CHECK(out[2].userdata == 12 && out[2].error == 0 && out[2].nbytes > 0);

    /* The end of a stream is a hang-up without bytes. */
    in[0] = on(READ, 4);
    in[1] = clock_in(100ull * SECOND);
    written(1, "2", 1);
    CHECK(poll_oneoff(in, out, 2, &n) == 0 && n == 1);
    CHECK(out[0].userdata == 41 && out[0].nbytes == 0 && out[0].flags == 1);
    vec.size = sizeof(block);
    CHECK(fd_read(4, &vec, 1, &got) == 0 && got == 0);

    /* Bytes that are left, and the end behind them. */
    written(1, "4", 1);
    do {
        in[0] = on(READ, 3);
        CHECK(poll_oneoff(in, out, 1, &n) == 0 && n == 1 && out[0].nbytes == 2);
    } while (!(out[0].flags & 1));
    CHECK(fd_read(3, &vec, 1, &got) == 0 && got == 2);

    /* No room: not ready. Room again: ready. */
    for (;;) {
        in[0] = on(WRITE, 5);
        in[1] = clock_in(0);
        CHECK(poll_oneoff(in, out, 2, &n) == 0);
        if (n == 1 && out[0].userdata == 7) {
            break;
        }
        CHECK(out[0].userdata == 52 && out[0].nbytes > 0);
        written(5, block, out[0].nbytes < sizeof(block) ? (uint32_t)out[0].nbytes : sizeof(block));
    }
    in[1] = clock_in(100ull * SECOND);
    written(1, "3", 1);
    CHECK(poll_oneoff(in, out, 2, &n) == 0 && n == 1);
    CHECK(out[0].userdata == 52 && out[0].nbytes > 0 && out[0].flags == 0);

    /* A clock's absolute time, in the past and to come; closed under way. */
    in[0] = clock_in(1);
    in[0].u.clock.flags = 1;
    CHECK(poll_oneoff(in, out, 1, &n) == 0 && n == 1);
    start = now();
    in[0] = clock_in(start + 15000000);
    in[0].u.clock.flags = 1;
    CHECK(poll_oneoff(in, out, 1, &n) == 0 && n == 1 && now() >= start + 15000000);
    CHECK(fd_close(3) == 0);
    in[0] = on(READ, 3);
    CHECK(poll_oneoff(in, out, 1, &n) == 0 && n == 1 && out[0].error == 8);
    CHECK(poll_oneoff(in, out, 0, &n) == 28);
}

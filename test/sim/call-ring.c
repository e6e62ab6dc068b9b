/* SPDX-License-Identifier: MIT */
/*
 * The rings by which JavaScript's threads call each other. Waiting is wasm/runtime/calls.c itself; writing and taking records are
 * TypeScript, ts/src/wire/record-ring.ts. This is a transcription of that, whose atomic operations test/api/transcripts.mjs compares with
 * those of the TypeScript; a word that JavaScript reads without Atomics while another thread may exchange it is a relaxed read here. A
 * ring is a queue, whose writer takes a record back or whose reader takes it, but not both; and a reader that waits hears of each record,
 * and of the end after the last one.
 */
#include "loop.h"
#include "port/port.h"
#include "shared.h"

enum { SIZE = 64, SKIP = -1, PREFIX = 8 };
enum { TAKEN, PLAIN = 1, OPEN = 6, REVOKED = 7 };

typedef struct Ring {
    CallRing header;
    int32_t words[SIZE / 4];
} Ring;

typedef struct Writer {
    Ring *ring;
    uint32_t tail, head, written, last;
} Writer;

typedef struct Reader {
    Ring *ring;
    uint32_t head;
} Reader;

/* ---- RingWriter ---- */

static void writer_rouse(Writer *writer)
{
    CallRing *ring = &writer->ring->header;

    qatomic_mb_set(&ring->waiter, RING_AWAITED);
    uint32_t *word = qatomic_mb_read(&ring->sleeper);
    if (!word) {
        return;
    }
    qatomic_fetch_inc(word);
    port_futex_wake(word, UINT32_MAX);
}

/* A record's content is its kind, its number again, and perhaps more. */
static bool writer_push(Writer *writer, int32_t kind, int32_t number, uint32_t length)
{
    CallRing *ring = &writer->ring->header;
    int32_t *words = writer->ring->words;
    uint32_t needed = (PREFIX + length + 7) & ~7u, at = writer->tail & (SIZE - 1);
    uint32_t skipped = SIZE - at < needed ? SIZE - at : 0, tail = writer->tail + skipped + needed;

    if (tail - writer->head > SIZE) {
        writer->head = qatomic_mb_read(&ring->head);
        if (tail - writer->head > SIZE) {
            return false;
        }
    }
    if (skipped) {
        words[at >> 2] = SKIP;
        at = 0;
    }
    words[at >> 2] = (int32_t)length;
    words[(at >> 2) + 1] = number;
    qatomic_set(&words[(at >> 2) + 2], kind);
    words[(at >> 2) + 3] = number;
    writer->last = writer->written + skipped;
    writer->written = writer->last + needed;
    writer->tail = tail;
    qatomic_mb_set(&ring->tail, tail);
    if (qatomic_mb_read(&ring->waiter) == RING_SLEEPING) {
        writer_rouse(writer);
    }
    return true;
}

static void writer_end(Writer *writer, uint32_t how)
{
    CallRing *ring = &writer->ring->header;

    qatomic_mb_set(&ring->ended, how);
    writer_rouse(writer);
}

static bool writer_revoke(Writer *writer, uint32_t place)
{
    int32_t *words = writer->ring->words;

    if (writer->written - place > SIZE) {
        return false;
    }
    return qatomic_cmpxchg(&words[(place % SIZE + PREFIX) >> 2], OPEN, REVOKED) == OPEN;
}

/* ---- RingReader ---- */

static uint32_t reader_end(Reader *reader)
{
    CallRing *ring = &reader->ring->header;

    return qatomic_mb_read(&ring->tail);
}

static uint32_t reader_ended(Reader *reader)
{
    CallRing *ring = &reader->ring->header;

    return qatomic_mb_read(&ring->ended);
}

static void reader_awaits(Reader *reader, bool does)
{
    CallRing *ring = &reader->ring->header;

    qatomic_mb_set(&ring->waiter, does ? RING_AWAITED : RING_NOBODY);
}

static bool reader_next(Reader *reader, uint32_t before)
{
    uint32_t at = (reader->head & (SIZE - 1)) >> 2;

    if (reader->head == before) {
        return false;
    }
    if (reader->ring->words[at] == SKIP) {
        reader->head += SIZE - (at << 2);
    }
    return true;
}

/* Returns the kind, and the number. */
static int32_t reader_take(Reader *reader, int32_t *number)
{
    CallRing *ring = &reader->ring->header;
    int32_t *words = reader->ring->words + ((reader->head & (SIZE - 1)) >> 2);
    uint32_t length = (uint32_t)words[0];
    int32_t kind = qatomic_read(&words[2]);

    *number = words[3];
    sim_check(*number == words[1]);
    if (kind == OPEN) {
        kind = qatomic_cmpxchg(&words[2], OPEN, TAKEN);
    }
    reader->head += (PREFIX + length + 7) & ~7u;
    qatomic_mb_set(&ring->head, reader->head);
    return kind;
}

/* ---- The model ---- */

enum { PUSH, TAKE, FREE, REVOKE };

/* of[0]: the numbers in the queue, the first in the lowest four bits; of[1]: which of them are revoked; of[2]: how many records have not
 * given back their room, which may be later than they are taken. */
static bool ring_model(SimState *state, int op, int64_t arg, int64_t result)
{
    int64_t *queue = &state->of[0], *revoked = &state->of[1], *in_use = &state->of[2];
    int64_t first = *queue & 15;
    int at = 0;

    switch (op) {
    case PUSH:
        if (!result) {
            return *in_use > 0;
        }
        while (*queue >> at & 15) {
            at += 4;
        }
        *queue |= arg << at;
        ++*in_use;
        return true;
    case TAKE:                  /* 0: there is nothing; negative: it was revoked */
        *queue >>= 4;
        return result == (first && *revoked >> first & 1 ? -first : first);
    case FREE:
        return (*in_use)-- > 0;
    default:
        while ((*queue >> at & 15) && (*queue >> at & 15) != arg) {
            at += 4;
        }
        *revoked |= result << arg;
        return result == ((*queue >> at & 15) != 0);
    }
}

/* ---- The threads ---- */

static Ring rings[2];
static Writer writers[2];
/* Of each ring: the numbers from 1 on that were taken, or revoked. */
static int32_t came[2];
/* The second ring has not ended. */
static bool busy;

enum { RECORDS = 3 };

static void writes(void *opaque)
{
    int which = (int)(intptr_t)opaque;
    Writer *writer = &writers[which];
    bool noted = which == 0;    /* one history, of one queue */

    for (int32_t number = 1; number <= RECORDS; number++) {
        int32_t kind = sim_choose(3) ? PLAIN : OPEN;
        uint32_t length = sim_choose(2) ? 8 : 24;

        for (bool pushed = false; !pushed;) {
            unsigned call = noted ? sim_call_begin("push", PUSH, number) : 0;

            pushed = writer_push(writer, kind, number, length);
            if (noted) {
                sim_call_end(call, pushed);
            }
            /* The writer waits in the way of its own thread for room; here it lets the reader go on. */
            while (!pushed && qatomic_read(&rings[which].header.head) == writer->head) {
                port_pause();
            }
        }
        /* Nothing more comes before this has been taken. */
        while (!noted && qatomic_read(&rings[which].header.head) != writer->tail) {
            port_pause();
        }
        if (noted && kind == OPEN) {
            uint32_t place = writer->last;
            unsigned call = sim_call_begin("revoke", REVOKE, number);

            sim_call_end(call, writer_revoke(writer, place));
        }
    }
    /* The first ring ends last, and meanwhile all that wakes its reader is the other one. */
    while (noted && qatomic_mb_read(&busy)) {
        port_pause();
    }
    writer_end(writer, 1);
    if (!noted) {
        qatomic_mb_set(&busy, false);
    }
}

/* Takes a record. Returns false if there is none. */
static bool takes(Reader *reader, int which)
{
    bool noted = which == 0;
    unsigned take = noted ? sim_call_begin("take", TAKE, 0) : 0;
    int32_t number = 0, kind;

    if (!reader_next(reader, reader_end(reader))) {
        if (noted) {
            sim_call_end(take, 0);
        }
        return false;
    }
    unsigned frees = noted ? sim_call_begin("gives back", FREE, 0) : 0;
    kind = reader_take(reader, &number);
    if (noted) {
        sim_call_end(take, kind == REVOKED ? -number : number);
        sim_call_end(frees, 0);
    }
    sim_check(number == ++came[which]);
    return true;
}

/* As waitFor() in blocking.ts waits for a record: the end is looked at before the records, so that those before it are found. Returns
 * false at the end. */
static bool waits(Reader *reader, int which, Reader *also, double timeout_ns)
{
    for (;;) {
        bool ended = reader_ended(reader);

        if (takes(reader, which) || (also && takes(also, 1))) {
            return true;
        }
        if (ended) {
            return false;
        }
        rt_await(&reader->ring->header, reader->head, also ? &also->ring->header : NULL,
                 also ? also->head : 0, timeout_ns);
    }
}

static void reads(double timeout_ns, bool both)
{
    Reader readers[2] = { { .ring = &rings[0] }, { .ring = &rings[1] } };

    loop_begin();
    ctx->poll_max_ns = sim_choose(2) ? 1000 : 0;
    for (int i = 0; i < 2; i++) {
        readers[i].head = qatomic_read(&rings[i].header.head);
        reader_awaits(&readers[i], true);
    }
    while (waits(&readers[0], 0, both ? &readers[1] : NULL, timeout_ns)) {
        continue;
    }
    while (both && waits(&readers[1], 1, NULL, timeout_ns)) {
        continue;
    }
    for (int i = 0; i < 2; i++) {
        reader_awaits(&readers[i], false);
    }
    loop_end();
    sim_check(came[0] == RECORDS && came[1] == (both ? RECORDS : 0));
    sim_check_linear(ring_model, "a ring of calls");
}

/* Positions wrap around. */
static void makes_rings(void)
{
    for (int i = 0; i < 2; i++) {
        uint32_t start = sim_choose(2) ? UINT32_MAX - SIZE + 1 : 0;

        writers[i] = (Writer){ .ring = &rings[i], .tail = start, .head = start };
        rings[i].header.tail = rings[i].header.head = start;
    }
}

SIM_SCENARIO(call_ring_is_linear, "A ring of calls is a queue whose records are taken or revoked, and whoever waits for one hears of it.")
{
    makes_rings();
    sim_spawn("writer", writes, (void *)0);
    reads(1e18, false);
}

SIM_SCENARIO(call_rings_are_awaited, "Whoever waits for the records of two rings hears of those of both, and of the end.")
{
    makes_rings();
    busy = true;
    sim_spawn("writer", writes, (void *)0);
    sim_spawn("other", writes, (void *)1);
    reads(sim_choose(2) ? 1e18 : 3000, true);
}

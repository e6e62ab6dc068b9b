/* SPDX-License-Identifier: MIT */
/*
 * A pipe, as ts/src/api/pipe.ts writes and reads it: this is a transcription, whose atomic operations test/api/transcripts.mjs
 * compares with those of the TypeScript. Between two threads it is a queue of bytes of a certain capacity, and nobody waits for what
 * is there already.
 */
#include "loop.h"

enum { SIZE = 2, MOST = 12 };

typedef struct Pipe {
    uint32_t head, ended, waits, capacity, tail;
    uint8_t data[SIZE];
    EventNotifier readable, writable;
} Pipe;

static Pipe pipe_;

static uint32_t used(Pipe *pipe)
{
    return qatomic_mb_read(&pipe->head) - qatomic_mb_read(&pipe->tail);
}

static uint32_t pipe_write(Pipe *pipe, const uint8_t *bytes, uint32_t length)
{
    sim_check(qatomic_mb_read(&pipe->ended) == 0);
    uint32_t size = qatomic_mb_read(&pipe->capacity);
    uint32_t head = qatomic_mb_read(&pipe->head);
    uint32_t room = size - used(pipe);

    if (room < length) {
        qatomic_mb_set(&pipe->waits, 1);
        room = size - used(pipe);
    }
    uint32_t taken = MIN(length, room);
    if (taken == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < taken; i++) {
        pipe->data[(head + i) % SIZE] = bytes[i];
    }
    qatomic_mb_set(&pipe->head, head + taken);
    if (qatomic_mb_read(&pipe->tail) == head) {
        event_notifier_set(&pipe->readable);
    }
    return taken;
}

static uint32_t pipe_read(Pipe *pipe, uint8_t *bytes, uint32_t limit)
{
    (void)qatomic_mb_read(&pipe->capacity);
    uint32_t tail = qatomic_mb_read(&pipe->tail);
    uint32_t count = MIN(used(pipe), limit);

    if (count == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = pipe->data[(tail + i) % SIZE];
    }
    qatomic_mb_set(&pipe->tail, tail + count);
    if (qatomic_mb_read(&pipe->waits) != 0 && qatomic_xchg(&pipe->waits, 0) != 0) {
        event_notifier_set(&pipe->writable);
    }
    return count;
}

static void pipe_end(Pipe *pipe)
{
    qatomic_mb_set(&pipe->ended, 1);
    event_notifier_set(&pipe->readable);
}

static bool pipe_drain(Pipe *pipe)
{
    if (used(pipe) < qatomic_mb_read(&pipe->capacity)) {
        return false;
    }
    qatomic_mb_set(&pipe->waits, 1);
    return used(pipe) == qatomic_mb_read(&pipe->capacity);
}

/* ---- The model ---- */

/* A write takes room at one moment, and its bytes are there at another one; a read takes bytes, and gives back their room later. */
enum { TAKE_ROOM, PUBLISH, TAKE_BYTES, GIVE_ROOM };

/* of[0]: the bytes that are there; of[1]: the room that is taken. */
static bool pipe_model(SimState *state, int op, int64_t arg, int64_t result)
{
    int64_t *there = &state->of[0], *taken = &state->of[1];

    switch (op) {
    case TAKE_ROOM:
        *taken += result;
        return result == MIN(arg, SIZE - (*taken - result));
    case PUBLISH:
        *there += result;
        return *there <= *taken;
    case TAKE_BYTES:
        *there -= result;
        return result == MIN(arg, *there + result);
    default:
        *taken -= result;
        return *there <= *taken;
    }
}

/* ---- The threads ---- */

static _Thread_local bool woken;

static void wakes(EventNotifier *notifier)
{
    woken |= event_notifier_test_and_clear(notifier);
}

/* As Notifier.wait(): resolves once it is set, and clears it. */
static void waits(AioContext *home, EventNotifier *notifier)
{
    woken = false;
    aio_set_event_notifier(home, notifier, false, wakes, NULL);
    while (!woken) {
        aio_poll(home, true);
    }
    aio_set_event_notifier(home, notifier, false, NULL, NULL);
}

static AioContext *has_loop(void)
{
    AioContext *home = aio_context_new(&error_abort);

    qemu_set_current_aio_context(home);
    return home;
}

static void leaves(AioContext *home)
{
    aio_context_detach_current();
    aio_context_unref(home);
}

/* How many bytes go through the pipe, and whether there is a history, which has room for few calls. */
static uint32_t bytes;
static bool noted;

/* Notes that a call begins, or that it has ended, in its two steps. */
static unsigned begins(const char *name, int op, int64_t arg)
{
    unsigned call = noted ? sim_call_begin(name, op, arg) : 0;

    if (noted) {
        sim_call_begin(name, op + 1, 0);
    }
    return call;
}

static void ends(unsigned call, uint32_t result)
{
    if (noted) {
        sim_call_end(call, result);
        sim_call_end(call + 1, result);
    }
}

static void writes(void *opaque)
{
    static const uint8_t content[MOST] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    AioContext *home = has_loop();

    (void)opaque;
    for (uint32_t done = 0; done < bytes;) {
        uint32_t length = MIN(1 + sim_choose(3), bytes - done), taken;
        unsigned call;

        /* One may also wait before there was too little room. */
        while (sim_choose(2) && pipe_drain(&pipe_)) {
            waits(home, &pipe_.writable);
        }
        call = begins("write", TAKE_ROOM, length);
        taken = pipe_write(&pipe_, content + done, length);
        ends(call, taken);
        done += taken;
        while (taken < length && pipe_drain(&pipe_)) {
            waits(home, &pipe_.writable);
        }
    }
    pipe_end(&pipe_);
    leaves(home);
}

static void reads(void *opaque)
{
    AioContext *home = has_loop();
    uint8_t got[SIZE], next = 1;

    (void)opaque;
    for (;;) {
        uint32_t limit = noted ? 1 + sim_choose(2) : SIZE, count;
        bool ended = qatomic_mb_read(&pipe_.ended);
        unsigned call = begins("read", TAKE_BYTES, limit);

        count = pipe_read(&pipe_, got, limit);
        ends(call, count);
        for (uint32_t i = 0; i < count; i++) {
            sim_check(got[i] == next++);
        }
        if (count == 0 && ended) {
            break;
        }
        if (count == 0) {
            waits(home, &pipe_.readable);
        }
    }
    sim_check(next == bytes + 1);
    leaves(home);
}

static void run(uint32_t how_many)
{
    bytes = how_many;
    pipe_.capacity = SIZE;
    pipe_.head = pipe_.tail = sim_choose(2) ? UINT32_MAX - 1 : 0;
    sim_check(event_notifier_init(&pipe_.readable, false) == 0);
    sim_check(event_notifier_init(&pipe_.writable, false) == 0);
    sim_spawn("writer", writes, NULL);
    sim_spawn("reader", reads, NULL);
    sim_join();
}

SIM_SCENARIO(pipe_is_linear, "A pipe is a queue of bytes, of which it holds only so many.")
{
    noted = true;
    run(3);
    sim_check_linear(pipe_model, "a pipe");
}

SIM_SCENARIO(pipe_is_awaited, "A pipe hands on all bytes in their order, and wakes whoever waits for bytes or for room.")
{
    run(MOST);
}

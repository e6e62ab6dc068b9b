/* SPDX-License-Identifier: MIT */
/* Threads, time, and sleeping on a word, as port.h has them. */
#include "port/sim/machine.h"

int64_t port_clock_ns(PortClock clock)
{
    return sim_now() + (clock == PORT_CLOCK_REALTIME ? INT64_C(1700000000) * NANOSECONDS_PER_SECOND : 0);
}

void port_fail(const char *message)
{
    sim_fail("%s", message);
}

void port_would_block(const char *call)
{
    port_panic("%s: this thread must not block", call);
}

bool port_may_wait(void)
{
    return !sim_self->never_blocks;
}

int port_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    static const SimSite site = { __FILE__, __LINE__, "sleep on a word" };
    int64_t deadline;

    if (!port_may_wait()) {
        port_would_block("port_futex_wait");
    }
    sim_point(&site, word, false);
    sim_heap_check(word, site.text);
    /* The kernel compares with what is in memory now, whatever this thread's loads may see. */
    if (*(volatile uint32_t *)word != expected) {
        if (sim_recording) {
            sim_record(&site, "not begun: the word is", *word);
        }
        return -EAGAIN;
    }
    if (sim_recording) {
        sim_record(&site, "begins: the word is", expected);
    }
    /* Now and then a thread wakes up without a cause. */
    if (sim_random(64) == 1) {
        return 0;
    }
    deadline = timeout_ns < 0 || timeout_ns > INT64_MAX - sim_now() ? INT64_MAX : sim_now() + timeout_ns;
    return sim_block(word, deadline) ? 0 : -ETIMEDOUT;
}

void port_futex_wake(uint32_t *word, uint32_t count)
{
    static const SimSite site = { __FILE__, __LINE__, "wake who sleeps on a word" };
    uint64_t woken = 0;
    SimThread *t;

    sim_point(&site, word, true);
    while (woken < count) {
        SimThread *longest = NULL;

        for (unsigned i = 0; (t = sim_thread(i)); i++) {
            if (t->state == SIM_BLOCKED && t->word == word && (!longest || t->blocked < longest->blocked)) {
                longest = t;
            }
        }
        if (!longest) {
            break;
        }
        longest->word = NULL;
        sim_unblock(longest);
        woken++;
    }
    if (sim_recording) {
        sim_record(&site, "threads woken:", woken);
    }
}

void port_pause(void)
{
    static const SimSite site = { __FILE__, __LINE__, "a pause" };

    sim_pause(&site);
}

void port_spin(unsigned turn)
{
    (void)turn;
    port_pause();
}

int port_thread_start(const char *name, void (*fn)(void *), void *arg, void (*refused)(void *arg))
{
    static const SimSite site = { __FILE__, __LINE__, "a new thread" };

    (void)refused;
    sim_point(&site, NULL, true);
    return sim_thread_new(name, fn, arg) ? 0 : -EAGAIN;
}

void port_thread_at_end(void (*fn)(void))
{
    sim_self->at_end = fn;
}

void port_thread_on_lost(void (*lost)(void *), void *arg)
{
    (void)lost;
    (void)arg;
}

void port_thread_when_gone(void (*fn)(void *), void *arg)
{
    (void)fn;
    (void)arg;
}

void port_thread_counts_in(uint32_t *counter)
{
    (void)counter;
}

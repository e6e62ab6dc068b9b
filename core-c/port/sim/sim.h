/* SPDX-License-Identifier: MIT */
#ifndef SIM_H
#define SIM_H
/*
 * The simulator: a port that runs all threads of a program in one, in an order that a seed decides.
 * Each atomic operation, each sleep on a word and each wake-up is a point where another thread may
 * go on; time is virtual; a load may see an older store, where C11 allows that. The same seed gives
 * the same run, so that what it finds can be looked at again.
 *
 * A program for it is a file with scenarios. They use the loop as any program does, and sim_check()
 * to say what has to hold. A scenario ends when its function has returned and all threads have
 * ended; one that can no longer go on is a finding.
 */
#include "qemu/osdep.h"

typedef struct SimScenario {
    const char *name;
    const char *what;           /* a sentence */
    void (*run)(void);
    /* Each run has to end with a message that contains this; NULL: none may. */
    const char *panics;
    /* May be searched exhaustively: at most three threads and some forty steps. */
    bool small;
} __attribute__((aligned(8))) SimScenario;

/* Defines a scenario. Its body is run in a thread of its own, "main". */
#define SIM_SCENARIO(id, sentence) SIM_SCENARIO_(id, sentence, NULL, false)
#define SIM_SMALL_SCENARIO(id, sentence) SIM_SCENARIO_(id, sentence, NULL, true)
/* Defines one that breaks a contract: the core has to say so by this message in every run. */
#define SIM_PANICKING_SCENARIO(id, sentence, message) SIM_SCENARIO_(id, sentence, message, false)
#define SIM_SCENARIO_(id, sentence, message, is_small)                                \
    static void id(void);                                                    \
    static const SimScenario id##_scenario                                   \
        __attribute__((used, section("simscenarios"), aligned(8))) = {       \
        #id, sentence, id, message, is_small };                                       \
    static void id(void)

/* Starts a thread, which calls fn(arg). */
void sim_spawn(const char *name, void (*fn)(void *arg), void *arg);
/* Waits until all threads that sim_spawn() has started have ended. */
void sim_join(void);
/* Waits until n threads have called this, and then they go on at once. The schedule is about what comes after: changes of priority
 * are spread over those steps, so that a rare order there is found sooner. */
void sim_meet(unsigned n);
/* From now on only steps that touch this object count: another thread goes on after one of them, or where a thread sleeps. For a
 * scenario about one lock, whose threads do much else. */
void sim_focus(const void *object, size_t size);
/* Returns a number below n, which the seed decides. */
unsigned sim_choose(unsigned n);
/* A step that does nothing: another thread may run. */
void sim_pass(void);
/* Lets other threads run, as a sleep of this many nanoseconds would. */
void sim_sleep(int64_t ns);
/* Makes this thread one that must never block, like the thread that owns a runtime. */
void sim_never_blocks(void);

/* Before main(): sets a function that is called when all threads sleep, for each that sleeps for fds with this notifier, until the
 * deadline. It may only look, without an atomic operation, and fail. */
void sim_on_rest(void (*fn)(int notifier_fd, int64_t deadline));
/* For such a function: whether the event of this fd is set. */
bool sim_event_is_set(int fd);

/* ---- Linearizability: a history of calls, and a model that makes them one after the other ---- */

/* What the model keeps; all zeros at first. */
typedef struct SimState {
    int64_t of[4];
} SimState;
/* Makes a call in the model. Returns false if it cannot be made now, or cannot have this result. */
typedef bool SimModel(SimState *state, int op, int64_t arg, int64_t result);
/* Notes that a call begins, of which there are at most 64 in a run; and that it has ended. */
unsigned sim_call_begin(const char *name, int op, int64_t arg);
void sim_call_end(unsigned call, int64_t result);
/* What the call has done, if that turns out only later. */
void sim_call_result(unsigned call, int64_t result);
/* A call that takes effect at this moment. */
void sim_call_now(const char *name, int op, int64_t arg, int64_t result);
/* Fails if no order of the calls, each between its begin and its end, is one that the model can make. */
void sim_check_linear(SimModel *model, const char *what);

/* Ends the run: it has found something. */
void sim_fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
#define sim_check(condition)                                                 \
    ((condition) ? (void)0 :                                                 \
     sim_fail("%s:%d: does not hold: %s", __FILE__, __LINE__, #condition))

#endif

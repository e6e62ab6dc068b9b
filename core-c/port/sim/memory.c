/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations. Each location has a history of its latest stores. A load may see any of them that neither
 * happens-before nor coherence has hidden from its thread; a sequentially consistent load sees none that is older than the
 * last sequentially consistent store. (C11, 5.1.2.4 and 7.17.3; a load never sees a store that is made later.)
 */
#include "port/sim/machine.h"

enum { HISTORY = 8, TABLE = 1 << 14 };

typedef struct Store {
    uint64_t value;
    uint32_t tick;              /* of its thread; 0: it happened before everything */
    uint8_t thread;
    bool releases;
    SimClock released;
} Store;

typedef struct Location {
    const volatile void *address;
    uint32_t run;               /* the run that it belongs to */
    uint8_t size;
    uint32_t stores;            /* so far; the last HISTORY are kept */
    uint32_t last_sc;           /* the number of stores after the last sequentially consistent one */
    uint32_t floor[SIM_MAX_THREADS]; /* each thread has seen this store, or a later one */
    Store history[HISTORY];
} Location;

static Location table[TABLE];
static uint32_t this_run;
static unsigned in_use;
/* What sequentially consistent fences have ordered. */
static SimClock fences;
bool sim_weak;

void sim_clock_join(SimClock *clock, const SimClock *with)
{
    for (unsigned i = 0; i < SIM_MAX_THREADS; i++) {
        clock->ticks[i] = MAX(clock->ticks[i], with->ticks[i]);
    }
}

void sim_memory_reset(void)
{
    this_run++;
    in_use = 0;
    memset(&fences, 0, sizeof(fences));
}

static uint64_t in_memory(const volatile void *address, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 2:
        return *(const volatile uint16_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    default:
        return *(const volatile uint64_t *)address;
    }
}

static void to_memory(volatile void *address, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)address = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
    }
}

static Store *add(Location *l)
{
    return &l->history[l->stores++ % HISTORY];
}

static Store *newest(Location *l)
{
    return &l->history[(l->stores - 1) % HISTORY];
}

/* Finds the history of a location. A value that no atomic store has left there was put by an ordinary one. */
static Location *find(const volatile void *address, unsigned size)
{
    size_t at = ((uintptr_t)address >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 50 & (TABLE - 1);
    uint64_t value = in_memory(address, size);
    Location *l;

    while ((l = &table[at])->run == this_run && l->address != address) {
        at = (at + 1) & (TABLE - 1);
    }
    if (l->run != this_run) {
        if (++in_use > TABLE * 3 / 4) {
            sim_fail("more than %d atomic variables in one run", TABLE * 3 / 4);
        }
        memset(l, 0, offsetof(Location, history));
        l->address = address;
        l->run = this_run;
        l->size = (uint8_t)size;
    }
    if (l->stores == 0 || newest(l)->value != value) {
        *add(l) = (Store){ .value = value };
    }
    return l;
}

static bool happened_before(const Store *store, const SimThread *t)
{
    return store->tick <= t->clock.ticks[store->thread];
}

static void see(SimThread *me, Location *l, uint32_t number, SimOrder order)
{
    const Store *store = &l->history[number % HISTORY];

    l->floor[me->id] = MAX(l->floor[me->id], number);
    if (store->releases) {
        sim_clock_join(order == SIM_RELAXED ? &me->seen : &me->clock, &store->released);
    }
}

uint64_t sim_load(const volatile void *ptr, unsigned size, SimOrder order, const SimSite *site)
{
    SimThread *me;
    Location *l;
    uint32_t first, number;
    uint64_t value;

    sim_point(site, (const void *)ptr, false);
    sim_heap_check(ptr, site->text);
    sim_race_access(ptr, size, false, true, 0);
    me = sim_self;
    l = find(ptr, size);
    number = l->stores - 1;
    if (sim_weak && l->stores > 1) {
        first = MAX(l->floor[me->id], l->stores > HISTORY ? l->stores - HISTORY : 0);
        if (order == SIM_SEQ_CST && l->last_sc) {
            first = MAX(first, l->last_sc - 1);
        }
        for (uint32_t n = number; n > first; n--) {
            if (happened_before(&l->history[n % HISTORY], me)) {
                first = n;
            }
        }
        if (first < number && sim_random(2)) {
            number = first + sim_random(number - first + 1);
        }
    }
    see(me, l, number, order);
    value = l->history[number % HISTORY].value;
    if (sim_recording) {
        sim_record(site, number == l->stores - 1 ? "is" : "is, as seen by this thread,", value);
    }
    return value;
}

/* Stores a value; was: what a read-modify-write has read, whose releases go on. */
static void put(SimThread *me, Location *l, uint64_t value, SimOrder order, const Store *was)
{
    Store store = { .value = value, .thread = (uint8_t)me->id, .tick = me->clock.ticks[me->id] };

    if (order >= SIM_RELEASE) {
        store.releases = true;
        store.released = me->clock;
    } else {
        store.releases = true;
        store.released = me->released;
    }
    if (was && was->releases) {
        sim_clock_join(&store.released, &was->released);
    }
    *add(l) = store;
    l->floor[me->id] = l->stores - 1;
    if (order == SIM_SEQ_CST) {
        l->last_sc = l->stores;
    }
    to_memory((volatile void *)(uintptr_t)l->address, l->size, value);
    me->clock.ticks[me->id]++;
}

void sim_store(volatile void *ptr, unsigned size, uint64_t value, SimOrder order, const SimSite *site)
{
    sim_point(site, (const void *)ptr, true);
    sim_heap_check(ptr, site->text);
    sim_race_access(ptr, size, true, true, 0);
    put(sim_self, find(ptr, size), value, order, NULL);
    if (sim_recording) {
        sim_record(site, ":=", value);
    }
}

static uint64_t within(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

uint64_t sim_rmw(volatile void *ptr, unsigned size, SimOp op, uint64_t operand, const SimSite *site)
{
    static const char *const names[] = { "exchanged for", "+=", "&=", "|=" };
    SimThread *me;
    Location *l;
    Store was;
    uint64_t value;

    sim_point(site, (const void *)ptr, true);
    sim_heap_check(ptr, site->text);
    sim_race_access(ptr, size, true, true, 0);
    me = sim_self;
    l = find(ptr, size);
    was = *newest(l);
    see(me, l, l->stores - 1, SIM_SEQ_CST);
    switch (op) {
    case SIM_XCHG:
        value = operand;
        break;
    case SIM_ADD:
        value = within(was.value + operand, size);
        break;
    case SIM_AND:
        value = was.value & operand;
        break;
    default:
        value = was.value | operand;
    }
    put(me, l, value, SIM_SEQ_CST, &was);
    if (sim_recording) {
        sim_record(site, names[op], operand);
        sim_record(site, "  was", was.value);
    }
    return was.value;
}

uint64_t sim_cmpxchg(volatile void *ptr, unsigned size, uint64_t old, uint64_t new_value, const SimSite *site)
{
    SimThread *me;
    Location *l;
    Store was;

    sim_point(site, (const void *)ptr, true);
    sim_heap_check(ptr, site->text);
    sim_race_access(ptr, size, true, true, 0);
    me = sim_self;
    l = find(ptr, size);
    was = *newest(l);
    see(me, l, l->stores - 1, SIM_SEQ_CST);
    if (was.value == old) {
        put(me, l, new_value, SIM_SEQ_CST, &was);
    }
    if (sim_recording) {
        sim_record(site, was.value == old ? "compared and exchanged for" : "compared and not exchanged: is",
                   was.value == old ? new_value : was.value);
    }
    return was.value;
}

void sim_fence(SimOrder order, const SimSite *site)
{
    SimThread *me;

    sim_point(site, NULL, true);
    me = sim_self;
    if (order != SIM_RELEASE) {
        sim_clock_join(&me->clock, &me->seen);
    }
    if (order == SIM_SEQ_CST) {
        sim_clock_join(&me->clock, &fences);
        fences = me->clock;
    }
    if (order != SIM_ACQUIRE) {
        me->released = me->clock;
        me->clock.ticks[me->id]++;
    }
    if (sim_recording) {
        sim_record(site, "passed", 0);
    }
}

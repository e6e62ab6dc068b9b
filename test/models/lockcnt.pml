/* SPDX-License-Identifier: MIT */
/*
 * core-c/sync/lockcnt.c, used as core-c/loop/fd-handler.c uses it: nothing is
 * freed under a reader, one thread at a time has the lock, nobody waits for ever.
 *
 * good:
 * good:    -DSPINNER    (one thread may not sleep: it spins)
 * broken:  -DBROKEN_NO_MARK
 * broken:  -DBROKEN_NO_COMPARE
 * broken:  -DBROKEN_WAKE_ONE
 * broken:  -DBROKEN_STORE_UNLOCK
 * broken:  -DBROKEN_INC_PASSES
 * broken:  -DBROKEN_EARLY_COUNT
 */
#define THREADS 3

/* ---- The word ---- */

#define FREE 0
#define LOCKED 1
#define LOCKED_WAITERS 2
#define STATE(w) ((w) & 3)
#define COUNT(w) ((w) >> 2)
#define COUNT_ONE 4

byte word;                 /* lockcnt->count */
bit sleeping[THREADS];     /* the kernel's */

bit dead;                  /* deleted_aio_handlers has something; under the lock */

hidden byte seen;          /* in replace() */

byte readers;              /* told: threads that hold references */
byte owners;               /* told: threads that have the lock */

/* lockcnt.c replace: one compare-and-exchange; w is *old. */
inline replace(new)
{
    d_step {
        seen = word;
        done = (seen == w);
        if
        :: done -> word = new
        :: else
        fi;
        w = seen
    }
}

/*
 * lockcnt.c wait_for_change. A turn of spinning that loads the same value again
 * changes nothing, so the model waits for another one; it may sleep after any
 * number of turns.
 */
inline wait_for_change()
{
    if
    :: word != w -> w = word                /* port_pause, qatomic_load_acquire */
    :: may_wait ->
        done = 1;
#ifndef BROKEN_NO_MARK
        if
        :: STATE(w) == LOCKED ->
            replace((w & ~3) | LOCKED_WAITERS);
            if
            :: done -> w = (w & ~3) | LOCKED_WAITERS
            :: else                         /* return word */
            fi
        :: else
        fi;
#endif
        if
        :: done ->                          /* port_futex_wait(word) */
#ifdef BROKEN_NO_COMPARE
            sleeping[id] = 1;
#else
            d_step {
                if
                :: word == w -> sleeping[id] = 1
                :: else                     /* -EAGAIN */
                fi
            };
#endif
            !sleeping[id];
            w = word                        /* qatomic_load_acquire */
        :: else
        fi
    fi
}

inline lockcnt_inc()
{
    w = word;                               /* qatomic_load_acquire */
    do
#ifndef BROKEN_INC_PASSES
    :: COUNT(w) == 0 && STATE(w) != FREE -> wait_for_change()
#endif
    :: else ->
        replace(w + COUNT_ONE);
        if
        :: done -> break
        :: else
        fi
    od
}

inline lockcnt_dec()
{
    d_step {                                /* qatomic_fetch_sub */
        assert(COUNT(word) > 0);
        word = word - COUNT_ONE
    }
}

/* w is *word; locked is what it returns. */
inline last_dec_and_lock()
{
    locked = 0;
    do
    :: COUNT(w) != 1 -> break
    :: else ->
        if
        :: STATE(w) != FREE -> wait_for_change()
        :: else ->
            replace(LOCKED);
            if
            :: done -> locked = 1; break
            :: else
            fi
        fi
    od
}

inline lockcnt_dec_and_lock()
{
    w = word;                               /* qatomic_load_acquire */
    do
    :: true ->
        assert(COUNT(w) > 0);
        last_dec_and_lock();
        if
        :: locked -> break
        :: else
        fi;
        if
        :: COUNT(w) > 1 ->
            replace(w - COUNT_ONE);
            if
            :: done -> break
            :: else
            fi
        :: else
        fi
    od
}

inline lockcnt_dec_if_lock()
{
    w = word;                               /* qatomic_load_acquire */
    last_dec_and_lock()
}

inline lockcnt_lock()
{
    w = word;                               /* qatomic_load_acquire */
    do
    :: STATE(w) != FREE -> wait_for_change()
    :: else ->
        replace(w | LOCKED);
        if
        :: done -> break
        :: else
        fi
    od
}

inline unlock_and_add(add)
{
    w = word;                               /* qatomic_load_acquire */
    do
    :: true ->
        assert(STATE(w) != FREE);
#ifdef BROKEN_STORE_UNLOCK
        word = (w & ~3) + add;
        break
#else
        replace((w & ~3) + add);
        if
        :: done -> break
        :: else
        fi
#endif
    od;
    if
    :: STATE(w) == LOCKED_WAITERS -> wake() /* port_futex_wake */
    :: else
    fi
}

inline wake()
{
#ifdef BROKEN_WAKE_ONE
    if
    :: sleeping[0] -> sleeping[0] = 0
    :: sleeping[1] -> sleeping[1] = 0
    :: sleeping[2] -> sleeping[2] = 0
    :: else
    fi
#else
    d_step { sleeping[0] = 0; sleeping[1] = 0; sleeping[2] = 0 }
#endif
}

/* ---- Its use ---- */

/* The caller has the lock, and the count was 0 under it. */
inline free_dead()
{
    assert(readers == 0);
    dead = 0
}

inline enter()
{
    owners++;
    assert(owners == 1)
}

/* aio_poll: a walk, and freeing what was removed meanwhile. */
inline walk()
{
    lockcnt_inc();
    readers++;
    if
    :: dead ->                              /* aio_free_deleted_handlers */
        readers--;
        lockcnt_dec_if_lock();
        if
        :: locked ->
            enter();
            free_dead();
            owners--;
            unlock_and_add(COUNT_ONE)       /* qemu_lockcnt_inc_and_unlock */
        :: else
        fi;
        readers++
    :: else
    fi;
    readers--;
    lockcnt_dec()
}

/* A reader that frees as it leaves. */
inline walk_and_free()
{
    lockcnt_inc();
    readers++;
    readers--;
    lockcnt_dec_and_lock();
    if
    :: locked ->
        enter();
        free_dead();
        owners--;
        unlock_and_add(0)                   /* qemu_lockcnt_unlock */
    :: else
    fi
}

/* aio_set_fd_handler: takes a handler off. */
inline remove()
{
#ifdef BROKEN_EARLY_COUNT
    counted = COUNT(word);
#endif
    lockcnt_lock();
    enter();
#ifndef BROKEN_EARLY_COUNT
    counted = COUNT(word);                  /* remove_handler: qemu_lockcnt_count */
#endif
    if
    :: counted -> dead = 1
    :: else -> free_dead()
    fi;
    owners--;
    unlock_and_add(0)                       /* qemu_lockcnt_unlock */
}

/* What locals held: fewer states. */
inline forget()
{
    d_step { w = 0; counted = 0; done = 0; locked = 0 }
}

proctype thread(byte id; bit may_wait)
{
    byte w, counted;
    bit done, locked;

    if                     /* each does one thing only, as often as it likes */
    :: do
       :: true -> walk(); forget()
       :: true -> break
       od
    :: do
       :: true -> walk_and_free(); forget()
       :: true -> break
       od
    :: do
       :: true -> remove(); forget()
       :: true -> break
       od
    fi
}

init
{
    byte i;

    atomic {
        for (i : 0 .. THREADS - 1) {
#ifdef SPINNER
            run thread(i, i > 0)
#else
            run thread(i, 1)
#endif
        }
    }
}

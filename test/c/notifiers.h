/* SPDX-License-Identifier: MIT */
#ifndef TEST_NOTIFIERS_H
#define TEST_NOTIFIERS_H
/* Event notifiers whose handlers write their letter and stay set. */
#include "loop.h"

typedef struct Source {
    EventNotifier e;
    char letter;
    void (*then)(struct Source *self);     /* called after the letter */
} Source;

static inline void source_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    journal_add(source->letter);
    if (source->then) {
        source->then(source);
    }
}

static inline void source_init(Source *source, char letter)
{
    source->letter = letter;
    source->then = NULL;
    ASSERT_INT_EQ(event_notifier_init(&source->e, 0), 0);
}

static inline void source_watch(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, source_cb, NULL);
}

static inline void source_unwatch(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, NULL, NULL);
}

static inline void source_cleanup(Source *source)
{
    source_unwatch(source);
    event_notifier_cleanup(&source->e);
}

/* A then. */
static inline void source_clear(Source *self)
{
    ASSERT_INT_EQ(event_notifier_test_and_clear(&self->e), 1);
}

/* What one non-blocking poll ran. */
static inline const char *poll_once(void)
{
    journal_clear();
    aio_poll(ctx, false);
    return journal;
}

#endif

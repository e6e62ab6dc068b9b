/* SPDX-License-Identifier: MIT */
#include "qemu/event_notifier.h"

#include "port/port.h"

int event_notifier_init(EventNotifier *e, int active)
{
    int fd = port_event_open();

    if (fd < 0) {
        e->fd = -1;
        return fd;
    }
    e->fd = fd;
    return active ? event_notifier_set(e) : 0;
}

void event_notifier_cleanup(EventNotifier *e)
{
    if (e->fd >= 0) {
        port_event_close(e->fd);
        e->fd = -1;
    }
}

int event_notifier_get_fd(const EventNotifier *e)
{
    return e->fd;
}

int event_notifier_set(EventNotifier *e)
{
    return e->fd < 0 ? -1 : port_event_set(e->fd);
}

int event_notifier_test_and_clear(EventNotifier *e)
{
    return e->fd < 0 ? 0 : port_event_clear(e->fd);
}

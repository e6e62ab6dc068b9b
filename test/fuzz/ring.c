/* SPDX-License-Identifier: MIT */
/* Takes the place of port_poll_ring_new(); the linker's --wrap does the rest. */
#include "ring.h"

#include "port/port.h"

bool ring_wanted;

PortPollRing *__real_aio_priv_port_poll_ring_new(PortWatcher *watcher, int *error);
PortPollRing *__wrap_aio_priv_port_poll_ring_new(PortWatcher *watcher, int *error);

PortPollRing *__wrap_aio_priv_port_poll_ring_new(PortWatcher *watcher, int *error)
{
    if (ring_wanted) {
        return __real_aio_priv_port_poll_ring_new(watcher, error);
    }
    *error = ENOSYS;
    return NULL;
}

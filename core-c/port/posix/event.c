/* SPDX-License-Identifier: MIT */
/* An event is an eventfd; reading it clears its counter. */
#include "port/port.h"

#include <sys/eventfd.h>

int port_event_open(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void port_event_close(int fd)
{
    close(fd);
}

int port_event_set(int fd)
{
    const uint64_t one = 1;
    int saved_errno = errno;
    int ret = 0;

    while (write(fd, &one, sizeof(one)) < 0) {
        if (errno != EINTR) {
            /* A counter that cannot grow any more is set. */
            ret = errno == EAGAIN ? 0 : -errno;
            break;
        }
    }
    errno = saved_errno;
    return ret;
}

int port_event_clear(int fd)
{
    uint64_t count;
    int saved_errno = errno;
    ssize_t size;

    do {
        size = read(fd, &count, sizeof(count));
    } while (size < 0 && errno == EINTR);
    errno = saved_errno;
    return size == sizeof(count);
}

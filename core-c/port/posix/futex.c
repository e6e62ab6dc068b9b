/* SPDX-License-Identifier: MIT */
#include "port/port.h"
#include "port/posix/timespec.h"

#include <linux/futex.h>
#include <sys/syscall.h>

int port_futex_wait(uint32_t *word, uint32_t expected, int64_t timeout_ns)
{
    struct timespec ts;
    int saved_errno = errno;
    int ret = 0;

    if (!port_may_wait()) {
        port_would_block("port_futex_wait");
    }
    if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                posix_timeout(&ts, timeout_ns), NULL, 0) < 0) {
        switch (errno) {
        case EAGAIN:
        case ETIMEDOUT:
            ret = -errno;
            break;
        case EINTR:
            break;
        default:
            port_panic("port_futex_wait: %s", strerror(errno));
        }
        errno = saved_errno;
    }
    return ret;
}

void port_futex_wake(uint32_t *word, uint32_t count)
{
    int saved_errno = errno;

    /* This may fail: the memory of the word may be gone by now. Linux wakes threads of one
     * priority in the order in which they went to sleep. */
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, MIN(count, (uint32_t)INT_MAX),
            NULL, NULL, 0);
    errno = saved_errno;
}

void port_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#else
    __asm__ volatile("");
#endif
}

void port_spin(unsigned turn)
{
    (void)turn;
    port_pause();
}

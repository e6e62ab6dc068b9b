/* SPDX-License-Identifier: MIT */
/* sendmmsg and recvmmsg: several messages in one call. */
#include "topic.h"
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static void topic(void)
{
    char a[4] = "ab", b[4] = "cde", got[3][8] = { "", "", "" };
    struct iovec out[2] = { { a, 2 }, { b, 3 } }, in[3] = { { got[0], 2 }, { got[1], 8 }, { got[2], 8 } };
    struct mmsghdr messages[2] = { { .msg_hdr = { .msg_iov = &out[0], .msg_iovlen = 1 } },
                                   { .msg_hdr = { .msg_iov = &out[1], .msg_iovlen = 1 } } };
    struct mmsghdr taken[3] = { { .msg_hdr = { .msg_iov = &in[0], .msg_iovlen = 1 } },
                                { .msg_hdr = { .msg_iov = &in[1], .msg_iovlen = 1 } },
                                { .msg_hdr = { .msg_iov = &in[2], .msg_iovlen = 1 } } };
    struct timespec none = { 0, 0 }, wrong = { 0, 2000000000 };
    struct timespec hour = { 3600, 0 }, ever = { INT64_MAX, 0 };
    int ends[2], file = open("file", O_CREAT | O_RDWR, 0600);

    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    SHOW(sendmmsg(ends[0], messages, 2, 0));
    SHOW(messages[0].msg_len);
    SHOW(messages[1].msg_len);
    SHOW(recvmmsg(ends[1], taken, 3, MSG_DONTWAIT, NULL));
    SHOW(taken[0].msg_len);
    SHOW(taken[1].msg_len);
    printf("%s|%s|%s\n", got[0], got[1], got[2]);
    SHOW(recvmmsg(ends[1], taken, 3, MSG_DONTWAIT, NULL));
    SHOW(sendmmsg(ends[0], messages, 2, 0));
    SHOW(recvmmsg(ends[1], taken, 3, MSG_WAITFORONE, NULL));
    SHOW(sendmmsg(ends[0], messages, 0, 0));
    SHOW(recvmmsg(ends[1], taken, 0, 0, NULL));
    SHOW(sendmmsg(ends[0], messages, 2, 0));
    SHOW(recvmmsg(ends[1], taken, 3, 0, &none));
    SHOW(recvmmsg(ends[1], taken, 3, MSG_DONTWAIT, NULL));
    SHOW(recvmmsg(ends[1], taken, 1, MSG_DONTWAIT, &wrong));
    /* What is left of the time is told, and one that is longer than any clock runs is no error. */
    SHOW(sendmmsg(ends[0], messages, 2, 0));
    SHOW(recvmmsg(ends[1], taken, 2, MSG_DONTWAIT, &hour));
    SHOW(hour.tv_sec < 3600 && hour.tv_sec > 0);
    SHOW(none.tv_sec);
    SHOW(none.tv_nsec);
    SHOW(sendmmsg(ends[0], messages, 2, 0));
    SHOW(recvmmsg(ends[1], taken, 2, MSG_DONTWAIT, &ever));
    SHOW(sendmmsg(file, messages, 2, 0));
    SHOW(recvmmsg(file, taken, 2, 0, NULL));
    SHOW(sendmmsg(99, messages, 2, 0));
    SHOW(recvmmsg(99, taken, 2, 0, NULL));
    SHOW(shutdown(ends[0], SHUT_WR));
    SHOW(recvmmsg(ends[1], taken, 3, 0, NULL));
    SHOW(taken[0].msg_len);
    SHOW(taken[2].msg_len);
    SHOW(sendmmsg(ends[0], messages, 2, MSG_NOSIGNAL));
}

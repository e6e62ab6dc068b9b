/* SPDX-License-Identifier: MIT */
/* The NBD client trims, writes zeros, and has data on the medium at once (FUA), where the server can, and where it cannot. */
#include "nbd-peer.h"

enum { FLUSH = 4, FUA = 8, TRIM = 32, ZEROES = 64, ALL = 1 | FLUSH | FUA | TRIM | ZEROES };

static uint8_t buffer[PEER_SIZE];

static void open_with(uint16_t flags)
{
    peer_reset();
    peer.flags = flags;
    peer.automatic = true;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer.opened, 0);
}

static void assert_zeros(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        ASSERT_INT_EQ(peer.disk[i], 0);
    }
    ASSERT_INT_NE(peer.disk[from - 1], 0);
    ASSERT_INT_NE(peer.disk[to], 0);
}

static int write_fua(size_t length, int64_t offset)
{
    PeerRequest request = { .iov = { { buffer, length } } };

    request.op = (RawAioOp){ .engine = AIO_ENGINE_NBD, .type = QEMU_AIO_WRITE | RAW_AIO_COUNT, .fd = peer.client, .iov = request.iov, .niov = 1,
                             .offset = offset, .flags = BDRV_REQ_FUA };
    peer_pending++;
    ASSERT_TRUE(raw_aio_submit(ctx, &request.op, peer_ended, &request));
    return peer_await(&request);
}

/* What the server offers is one request each. */
static void a_server_that_has_them(void)
{
    open_with(ALL);
    memset(buffer, 0x42, 5000);
    ASSERT_INT_EQ(write_fua(5000, 100), 5000);
    peer_assert_asked(0, 1, 1, 100, 5000);
    ASSERT_INT_EQ(memcmp(peer.disk + 100, buffer, 5000), 0);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, 1000, 3000), 0);
    peer_assert_asked(1, 6, 2, 1000, 3000);
    assert_zeros(1000, 4000);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES | RAW_AIO_COUNT, BDRV_REQ_MAY_UNMAP, 0, 10), 0);
    peer_assert_asked(2, 6, 0, 0, 10);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, BDRV_REQ_FUA, 0, 10), 0);
    peer_assert_asked(3, 6, 3, 0, 10);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, BDRV_REQ_FUA, 4096, 8192), 0);
    peer_assert_asked(4, 4, 0, 4096, 8192);
    /* What is beyond the end is not sent, and nothing is sent for nothing. */
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, PEER_SIZE - 5, 6), -ENOSPC);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, PEER_SIZE - 5, 6), -EINVAL);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, INT64_MAX - 5, 6), -EINVAL);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, -1, 6), -EINVAL);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, 0, -6), -EINVAL);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, PEER_SIZE, 0), 0);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, PEER_SIZE, 0), 0);
    ASSERT_INT_EQ(peer.count, 5);
    peer_done();
}

/* What it does not offer is never sent. */
static void a_server_that_has_none(void)
{
    open_with(1 | FLUSH);
    memset(buffer, 0x42, 5000);
    ASSERT_INT_EQ(write_fua(5000, 100), 5000);
    peer_assert_asked(0, 1, 0, 100, 5000);
    peer_assert_asked(1, 3, 0, 0, 0);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, 4096, 8192), 0);
    ASSERT_INT_EQ(peer.count, 2);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, BDRV_REQ_FUA, 777, 150000), 0);
    peer_assert_asked(2, 1, 0, 777, 65536);
    peer_assert_asked(3, 1, 0, 777 + 65536, 65536);
    peer_assert_asked(4, 1, 0, 777 + 131072, 150000 - 131072);
    peer_assert_asked(5, 3, 0, 0, 0);
    ASSERT_INT_EQ(peer.count, 6);
    assert_zeros(777, 777 + 150000);
    peer_done();

    /* Not even a flush. */
    open_with(1);
    ASSERT_INT_EQ(write_fua(10, 0), 10);
    ASSERT_INT_EQ(peer.count, 1);
    peer_done();
}

static void a_read_only_export(void)
{
    open_with(ALL | 2);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, 0, 10), -EROFS);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, 0, 10), -EROFS);
    ASSERT_INT_EQ(peer.count, 0);
    peer_done();
}

/* It offers a command, and does not carry it out. */
static void errors_of_the_server(void)
{
    PeerRequest request;

    open_with(ALL);
    peer.automatic = false;
    peer_start_range(&request, QEMU_AIO_DISCARD, 0, 0, 4096, NULL, 0);
    peer_await_asked(1);
    peer_error(&peer.asked[0], 1, 95, "not here");
    ASSERT_INT_EQ(peer_await(&request), 0);
    peer_start_range(&request, QEMU_AIO_DISCARD, 0, 0, 4096, NULL, 0);
    peer_await_asked(2);
    peer_error(&peer.asked[1], 1, 5, "the \033[2Jdisk\r\n");
    ASSERT_INT_EQ(peer_await(&request), -EIO);
    ASSERT_STR_EQ(nbd_client_why(ctx, peer.client, -EIO), "the server says: the ?[2Jdisk??");
    ASSERT_STR_EQ(nbd_client_why(ctx, peer.client, -ENOSPC), "");
    /* The next error has no text, and not that of the last one. */
    peer_start_range(&request, QEMU_AIO_DISCARD, 0, 0, 4096, NULL, 0);
    peer_await_asked(3);
    peer_simple(&peer.asked[2], 5);
    ASSERT_INT_EQ(peer_await(&request), -EIO);
    ASSERT_STR_EQ(nbd_client_why(ctx, peer.client, -EIO), "");
    memset(buffer, 'x', 4000);
    buffer[4000] = '\0';
    peer_start_range(&request, QEMU_AIO_WRITE_ZEROES, 0, 0, 4096, NULL, 0);
    peer_await_asked(4);
    peer_error(&peer.asked[3], 1, 28, (const char *)buffer);
    ASSERT_INT_EQ(peer_await(&request), -ENOSPC);
    ASSERT_INT_EQ(strlen(nbd_client_why(ctx, peer.client, -ENOSPC)), 17 + 120);
    /* This one was never sent. */
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, PEER_SIZE, 1), -ENOSPC);
    ASSERT_STR_EQ(nbd_client_why(ctx, peer.client, -ENOSPC), "");
    /* Then zeros are written as data, and the data is on the medium. */
    peer_start_range(&request, QEMU_AIO_WRITE_ZEROES, BDRV_REQ_FUA, 4096, 70000, NULL, 0);
    peer_await_asked(5);
    peer.automatic = true;
    peer_error(&peer.asked[4], 1, 95, "");
    ASSERT_INT_EQ(peer_await(&request), 0);
    peer_assert_asked(5, 1, 1, 4096, 65536);
    peer_assert_asked(6, 1, 1, 4096 + 65536, 70000 - 65536);
    ASSERT_INT_EQ(peer.count, 7);
    assert_zeros(4096, 4096 + 70000);
    peer_done();
}

static void long_ranges_are_divided(void)
{
    enum { MiB = 1 << 20 };
    PeerRequest request;

    peer_reset();
    peer.flags = ALL;
    peer.automatic = true;
    peer.size = UINT64_C(5) << 30;
    peer.min = 512;
    peer.max = 64 * MiB;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, 512, INT64_C(5) << 30 >> 1), 0);
    ASSERT_INT_EQ(peer.count, 3);
    peer_assert_asked(2, 4, 0, 512 + (UINT64_C(2) << 30), 512 * MiB);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, INT64_C(4) << 30, 80 * MiB), 0);
    ASSERT_INT_EQ(peer.count, 6);
    peer_assert_asked(5, 6, 2, (UINT64_C(4) << 30) + 64 * MiB, 16 * MiB);
    /* What the server's blocks do not allow. */
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, 100, 512), -EINVAL);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_WRITE_ZEROES, 0, 512, 100), -EINVAL);
    ASSERT_INT_EQ(peer.count, 6);
    /* A part was done when it was cancelled. */
    peer.automatic = false;
    peer_start_range(&request, QEMU_AIO_WRITE_ZEROES, 0, 0, INT64_C(5) << 30, NULL, 0);
    peer_await_asked(7);
    bdrv_aio_cancel_async(request.acb);
    peer_answer(&peer.asked[6]);
    ASSERT_INT_EQ(peer_await(&request), -ECANCELED);
    ASSERT_INT_EQ(peer.count, 7);
    peer_done();
}

TEST_PROGRAM(
    TEST(a_server_that_has_them),
    TEST(a_server_that_has_none),
    TEST(a_read_only_export),
    TEST(errors_of_the_server),
    TEST(long_ranges_are_divided),
)

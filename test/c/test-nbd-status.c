/* SPDX-License-Identifier: MIT */
/* The NBD client asks for the status of blocks: what servers tell, what no server may tell, and what is lost meanwhile. */
#include "nbd-peer.h"

enum { ALL = 1 | 4 | 8 | 32 | 64 };

static uint8_t buffer[PEER_SIZE];
static RawAioExtent extents[8];

static void open_peer(void)
{
    peer_reset();
    peer.flags = ALL;
    peer.context = 0x12345;
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 60000 });
    ASSERT_INT_EQ(peer.opened, 0);
}

static void start_status(PeerRequest *request, int64_t offset, int64_t bytes, unsigned count)
{
    unsigned asked = peer.count;

    memset(extents, 0xee, sizeof(extents));
    peer_start_range(request, RAW_AIO_BLOCK_STATUS, 0, offset, bytes, extents, count * sizeof(extents[0]));
    peer_await_asked(asked + 1);
}

static void assert_extents(const RawAioExtent *expected, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        ASSERT_INT_EQ(extents[i].bytes, expected[i].bytes);
        ASSERT_INT_EQ(extents[i].flags, expected[i].flags);
        ASSERT_INT_EQ(extents[i].unused, 0);
    }
    ASSERT_INT_EQ((uint8_t)extents[count].unused, 0xee);
}

static void block_status(void)
{
    static const uint32_t several[][2] = { { 4096, 0 }, { 100, 3 }, { 200, 3 }, { 1, 2 }, { 4000000, 1 } };
    PeerRequest request;

    for (size_t step = 0; step < 2; step++) {
        open_peer();
        ASSERT_TRUE(nbd_client_export(ctx, peer.client)->block_status);
        peer.step = step;
        start_status(&request, 1000, 500000, 7);
        peer_assert_asked(0, 7, 0, 1000, 500000);
        peer_status(&peer.asked[0], 1, several, 5);
        ASSERT_INT_EQ(peer_await(&request), 4);
        assert_extents((RawAioExtent[]){ { 4096, BDRV_BLOCK_DATA, 0 }, { 300, BDRV_BLOCK_ZERO, 0 },
                                         { 1, BDRV_BLOCK_DATA | BDRV_BLOCK_ZERO, 0 }, { 500000 - 4397, 0, 0 } }, 4);
        /* Memory for two: the third is left out, and what follows too, although it is as the second. */
        start_status(&request, 0, 10000, 2);
        peer_status(&peer.asked[1], 0, (const uint32_t[][2]){ { 1, 0 }, { 2, 3 }, { 3, 0 }, { 4, 3 } }, 4);
        peer_chunk(&peer.asked[1], 1, 0, 0);
        ASSERT_INT_EQ(peer_await(&request), 2);
        assert_extents((RawAioExtent[]){ { 1, BDRV_BLOCK_DATA, 0 }, { 2, BDRV_BLOCK_ZERO, 0 } }, 2);
        /* The end of the export. */
        start_status(&request, PEER_SIZE - 10, 1000, 7);
        peer_assert_asked(2, 7, 0, PEER_SIZE - 10, 10);
        peer_answer(&peer.asked[2]);
        ASSERT_INT_EQ(peer_await(&request), 1);
        ASSERT_INT_EQ(extents[0].bytes, 10);
        peer_start_range(&request, RAW_AIO_BLOCK_STATUS, 0, PEER_SIZE, 1000, extents, sizeof(extents));
        ASSERT_INT_EQ(peer_await(&request), 0);
        /* No memory for one; memory at an odd address. */
        peer_start_range(&request, RAW_AIO_BLOCK_STATUS, 0, 0, 1000, extents, 15);
        ASSERT_INT_EQ(peer_await(&request), -EINVAL);
        peer_start_range(&request, RAW_AIO_BLOCK_STATUS, 0, 0, 1000, (char *)extents + 4, 16);
        ASSERT_INT_EQ(peer_await(&request), -EINVAL);
        ASSERT_INT_EQ(peer.count, 3);
        peer_done();
    }
}

/* More than the client receives at once. */
static void many_extents(void)
{
    enum { COUNT = 100000 };
    uint32_t (*many)[2] = malloc(COUNT * sizeof(*many));
    PeerRequest request;

    open_peer();
    for (unsigned i = 0; i < COUNT; i++) {
        many[i][0] = 1;
        many[i][1] = i % 2 * 3;
    }
    start_status(&request, 0, PEER_SIZE, 7);
    peer_status(&peer.asked[0], 1, (const uint32_t (*)[2])many, COUNT);
    ASSERT_INT_EQ(peer_await(&request), 7);
    ASSERT_INT_EQ(peer_range(QEMU_AIO_DISCARD, 0, 0, 0), 0);
    free(many);
    peer_done();
}

/* All is data, as far as is known. */
static void a_server_without_metadata(void)
{
    PeerRequest request;

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    ASSERT_FALSE(nbd_client_export(ctx, peer.client)->block_status);
    peer_start_range(&request, RAW_AIO_BLOCK_STATUS, 0, 4096, PEER_SIZE, extents, sizeof(extents));
    ASSERT_INT_EQ(peer_await(&request), 1);
    ASSERT_INT_EQ(extents[0].bytes, PEER_SIZE - 4096);
    ASSERT_INT_EQ(extents[0].flags, BDRV_BLOCK_DATA);
    ASSERT_INT_EQ(peer.count, 0);
    peer_done();
}

/* No more than 1 GiB is asked for at once. */
static void a_long_range(void)
{
    PeerRequest request;

    peer_reset();
    peer.flags = ALL;
    peer.automatic = true;
    peer.size = UINT64_C(5) << 30;
    peer.context = 1;
    peer_open((NbdClientOptions){ 0 });
    peer_start_range(&request, RAW_AIO_BLOCK_STATUS, 0, 0, INT64_C(5) << 30, extents, sizeof(extents));
    ASSERT_INT_EQ(peer_await(&request), 1);
    ASSERT_INT_EQ(extents[0].bytes, 1 << 30);
    peer_done();
}

/* ---- What no server may send ---- */

static void no_status(Asked *a)
{
    peer_chunk(a, 1, 0, 0);
}

static void another_context(Asked *a)
{
    peer.context++;
    peer_answer(a);
}

static void status_twice(Asked *a)
{
    peer_status(a, 0, (const uint32_t[][2]){ { 4096, 0 } }, 1);
    peer_answer(a);
}

static void extent_of_nothing(Asked *a)
{
    peer_status(a, 1, (const uint32_t[][2]){ { 512, 0 }, { 0, 0 } }, 2);
}

static void extent_behind_the_range(Asked *a)
{
    peer_status(a, 1, (const uint32_t[][2]){ { 8192, 0 }, { 512, 0 } }, 2);
}

static void part_of_a_block(Asked *a)
{
    peer_status(a, 1, (const uint32_t[][2]){ { 100, 0 } }, 1);
}

static void no_extent(Asked *a)
{
    peer_status(a, 1, NULL, 0);
}

static void half_an_extent(Asked *a)
{
    peer_chunk(a, 1, 5, 16);
    peer_put(a->connection, peer.disk, 16);
}

static void endless_extents(Asked *a)
{
    peer_chunk(a, 1, 5, 4 + 8 * ((1 << 20) + 1));
}

static void a_simple_reply(Asked *a)
{
    peer_simple(a, 0);
}

static void data(Asked *a)
{
    peer_data(a, 1, 0, 512);
}

static const struct {
    const char *name;
    void (*answer)(Asked *a);
    const char *why;
} wrongs[] = {
    { "no_status", no_status, "without one" },
    { "another_context", another_context, "not asked for" },
    { "status_twice", status_twice, "not asked for" },
    { "extent_of_nothing", extent_of_nothing, "not a part" },
    { "extent_behind_the_range", extent_behind_the_range, "not a part" },
    { "part_of_a_block", part_of_a_block, "not a part" },
    { "no_extent", no_extent, "chunk of type" },
    { "half_an_extent", half_an_extent, "chunk of type" },
    { "endless_extents", endless_extents, "chunk of type" },
    { "a_simple_reply", a_simple_reply, "simple reply" },
    { "data", data, "outside" },
};

static void wrong_statuses(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(wrongs) + 1; i++) {
        bool for_a_read = i == ARRAY_SIZE(wrongs);
        const char *name = for_a_read ? "for a read" : wrongs[i].name, *why;
        PeerRequest request;

        peer_reset();
        peer.flags = ALL;
        peer.context = 7;
        peer.min = 512;
        peer.max = 1 << 20;
        peer_open((NbdClientOptions){ 0 });
        if (for_a_read) {
            peer_start(&request, QEMU_AIO_READ, buffer, 8192, 0);
            peer_await_asked(1);
            peer_status(&peer.asked[0], 1, (const uint32_t[][2]){ { 8192, 0 } }, 1);
        } else {
            start_status(&request, 0, 8192, 2);
            wrongs[i].answer(&peer.asked[0]);
        }
        if (peer_await(&request) != -EPROTO) {
            TEST_FAIL("%s: %d", name, request.ret);
        }
        why = nbd_client_why(ctx, peer.client, -EPROTO);
        if (!strstr(why, for_a_read ? "not asked for" : wrongs[i].why)) {
            TEST_FAIL("%s: \"%s\"", name, why);
        }
        ASSERT_INT_EQ(extents[2].unused, 0xeeeeeeee);
        peer_done();
    }
}

/* ---- Connections that are lost ---- */

static void replayed(void)
{
    PeerRequest zeroes, discard, status;

    open_peer();
    peer_start_range(&zeroes, QEMU_AIO_WRITE_ZEROES, BDRV_REQ_FUA, 4096, 5000, NULL, 0);
    peer_start_range(&discard, QEMU_AIO_DISCARD, 0, 500000, 5000, NULL, 0);
    peer_await_asked(2);
    start_status(&status, 0, PEER_SIZE, 7);
    /* One extent and a half; the number of the context changes with the connection. */
    peer_chunk(&peer.asked[2], 1, 5, 4 + 16);
    peer_number(0, peer.context, 4);
    peer_number(0, 100, 4);
    peer_number(0, 3, 4);
    peer_number(0, 100, 4);
    peer_end(0);
    peer.context++;
    peer_await_asked(6);
    peer_assert_asked(3, 6, 3, 4096, 5000);
    peer_assert_asked(4, 4, 0, 500000, 5000);
    peer_assert_asked(5, 7, 0, 0, PEER_SIZE);
    for (unsigned i = 3; i < 6; i++) {
        peer_answer(&peer.asked[i]);
    }
    ASSERT_INT_EQ(peer_await(&zeroes), 0);
    ASSERT_INT_EQ(peer_await(&discard), 0);
    ASSERT_INT_EQ(peer_await(&status), 1);
    ASSERT_INT_EQ(peer.disk[4095] && peer.disk[9096], true);
    for (unsigned i = 4096; i < 9096; i++) {
        ASSERT_INT_EQ(peer.disk[i], 0);
    }
    ASSERT_INT_EQ(extents[0].bytes, PEER_SIZE);
    ASSERT_INT_EQ(extents[0].flags, BDRV_BLOCK_DATA);
    peer_done();
}

TEST_PROGRAM(
    TEST(block_status),
    TEST(many_extents),
    TEST(a_server_without_metadata),
    TEST(a_long_range),
    TEST(wrong_statuses),
    TEST(replayed),
)

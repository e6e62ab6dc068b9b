/* SPDX-License-Identifier: MIT */
/* The NBD client against a server in the test: what goes well, and what the server refuses. */
#include "nbd-peer.h"

static uint8_t buffer[PEER_SIZE], other[PEER_SIZE];

static void assert_content(const void *bytes, size_t offset, size_t length)
{
    ASSERT_INT_EQ(memcmp(bytes, peer.disk + offset, length), 0);
}

static void reads_writes_and_flushes(void)
{
    AioEngineStats stats;

    peer_reset();
    peer.automatic = true;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer.opened, 0);
    ASSERT_INT_EQ(nbd_client_export(ctx, peer.client)->size, PEER_SIZE);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ | RAW_AIO_COUNT, buffer, 70000, 4097), 70000);
    assert_content(buffer, 4097, 70000);
    memset(buffer, 0x5a, 50000);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 50000, 333), 0);
    assert_content(buffer, 333, 50000);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_FLUSH, NULL, 0, 0), 0);
    ASSERT_INT_EQ(peer.flushes, 1);
    raw_aio_get_stats(ctx, AIO_ENGINE_NBD, &stats);
    ASSERT_INT_EQ(stats.requests, 3);
    ASSERT_INT_EQ(stats.submissions, 3);
    peer_done();
    ASSERT_TRUE(peer.said_good_bye);
}

/* Every message is cut everywhere: each call moves one byte. */
static void byte_by_byte(void)
{
    peer_reset();
    peer.automatic = true;
    peer.step = 1;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer.opened, 0);
    memset(buffer, 0x5a, 300);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 300, 100), 0);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, other, 1000, 0), 0);
    assert_content(other, 0, 1000);
    ASSERT_INT_EQ(other[250], 0x5a);
    peer_done();
}

/* A server without structured replies and NBD_OPT_GO. */
static void an_older_server(void)
{
    peer_reset();
    peer.automatic = peer.no_structured = peer.no_go = true;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer.opened, 0);
    ASSERT_FALSE(nbd_client_export(ctx, peer.client)->structured);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 40000, 12345), 0);
    assert_content(buffer, 12345, 40000);
    peer_done();
}

static void replies_out_of_order(void)
{
    PeerRequest requests[20];

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    for (unsigned i = 0; i < 20; i++) {
        peer_start(&requests[i], QEMU_AIO_READ, buffer + 8192 * i, 5000 + i, 9000 * i);
    }
    peer_await_asked(20);
    for (unsigned i = 20; i-- > 0;) {
        peer_answer(&peer.asked[i]);
    }
    for (unsigned i = 0; i < 20; i++) {
        ASSERT_INT_EQ(peer_await(&requests[i]), 0);
        assert_content(buffer + 8192 * i, 9000 * i, 5000 + i);
    }
    peer_done();
}

/* A read in chunks: data and holes in any order, between those of another. */
static void chunks(void)
{
    PeerRequest a, b;

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    memset(buffer, 0xff, sizeof(buffer));
    peer_start(&a, QEMU_AIO_READ, buffer, 40000, 1000);
    peer_start(&b, QEMU_AIO_READ, other, 4096, 0);
    peer_await_asked(2);
    peer_data(&peer.asked[0], 0, 31000, 10000);
    peer_data(&peer.asked[1], 0, 4095, 1);
    memset(peer.disk + 11000, 0, 20000);
    peer_chunk(&peer.asked[0], 0, 2, 12);
    peer_number(0, 11000, 8);
    peer_number(0, 20000, 4);
    peer_data(&peer.asked[1], 0, 0, 4095);
    peer_data(&peer.asked[0], 0, 1000, 10000);
    peer_chunk(&peer.asked[0], 1, 0, 0);
    peer_chunk(&peer.asked[1], 1, 0, 0);
    ASSERT_INT_EQ(peer_await(&a), 0);
    ASSERT_INT_EQ(peer_await(&b), 0);
    assert_content(buffer, 1000, 40000);
    assert_content(other, 0, 4096);
    peer_done();
}

static void a_batch_is_sent_at_once(void)
{
    PeerRequest requests[16];
    unsigned before;
    AioEngineStats stats;

    peer_reset();
    peer.automatic = true;
    peer_open((NbdClientOptions){ 0 });
    before = peer.sends;
    raw_aio_plug(ctx, AIO_ENGINE_NBD);
    for (unsigned i = 0; i < 16; i++) {
        peer_start(&requests[i], i % 2 ? QEMU_AIO_READ : QEMU_AIO_WRITE, buffer + 4096 * i, 4096, 4096 * i);
    }
    ASSERT_INT_EQ(peer.sends, before);
    raw_aio_unplug(ctx, AIO_ENGINE_NBD, 0);
    for (unsigned i = 0; i < 16; i++) {
        ASSERT_INT_EQ(peer_await(&requests[i]), 0);
    }
    ASSERT_INT_EQ(peer.sends, before + 1);
    raw_aio_get_stats(ctx, AIO_ENGINE_NBD, &stats);
    ASSERT_INT_EQ(stats.largest_batch, 16);
    ASSERT_INT_EQ(stats.kicks, peer.sends);
    peer_done();
}

/* A server that takes 64 KiB at once gets large requests in parts. */
static void large_requests_are_divided(void)
{
    peer_reset();
    peer.automatic = true;
    peer.min = 512;
    peer.max = 65536;
    peer_open((NbdClientOptions){ 0 });
    for (unsigned i = 0; i < 600 * 512; i++) {
        buffer[i] = (uint8_t)(i / 5);
    }
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 600 * 512, 1024), 0);
    ASSERT_INT_EQ(peer.count, 5);
    assert_content(buffer, 1024, 600 * 512);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ | RAW_AIO_COUNT, other, 600 * 512, 512), 600 * 512);
    ASSERT_INT_EQ(peer.count, 10);
    assert_content(other, 512, 600 * 512);
    /* What the server's blocks do not allow. */
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, other, 512, 100), -EINVAL);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, other, 100, 512), -EINVAL);
    ASSERT_INT_EQ(peer.count, 10);
    peer_done();
}

static void the_end_of_the_export(void)
{
    peer_reset();
    peer.automatic = true;
    peer_open((NbdClientOptions){ 0 });
    memset(buffer, 1, 300);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 300, PEER_SIZE - 100), 0);
    assert_content(buffer, PEER_SIZE - 100, 100);
    ASSERT_INT_EQ(buffer[100], 0);
    ASSERT_INT_EQ(buffer[299], 0);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ | RAW_AIO_COUNT, buffer, 300, PEER_SIZE - 100), 100);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ | RAW_AIO_COUNT, buffer, 300, PEER_SIZE), 0);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ | RAW_AIO_COUNT, buffer, 300, INT64_MAX - 10), 0);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 300, PEER_SIZE - 299), -ENOSPC);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 300, INT64_MAX - 10), -ENOSPC);
    ASSERT_INT_EQ(peer.count, 2);
    peer_done();
}

static void a_read_only_export(void)
{
    peer_reset();
    peer.automatic = true;
    peer.flags = 1 | 2;                /* no flush either: nothing is to be flushed */
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer_do(QEMU_AIO_WRITE, buffer, 10, 0), -EROFS);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_FLUSH, NULL, 0, 0), 0);
    ASSERT_INT_EQ(peer.count, 0);
    peer_done();
}

static void errors_of_the_server(void)
{
    static const struct {
        uint32_t number;
        int ret;
    } errors[] = { { 1, -EPERM }, { 5, -EIO }, { 12, -EIO }, { 22, -EINVAL }, { 28, -ENOSPC }, { 75, -EOVERFLOW },
                   { 95, -ENOTSUP }, { 4711, -EIO } };

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        PeerRequest read, write;

        peer_start(&read, QEMU_AIO_READ, buffer, 5000, 0);
        peer_start(&write, QEMU_AIO_WRITE, buffer, 5000, 0);
        peer_await_asked(2 * i + 2);
        peer_data(&peer.asked[2 * i], 0, 0, 1000);
        peer_error(&peer.asked[2 * i], 1, errors[i].number, "out of order");
        peer_simple(&peer.asked[2 * i + 1], errors[i].number);
        ASSERT_INT_EQ(peer_await(&read), errors[i].ret);
        ASSERT_INT_EQ(peer_await(&write), errors[i].ret);
    }
    ASSERT_INT_EQ(peer.connection[0].opens, 1);
    peer_done();
}

/* What was not sent can be cancelled, what was sent cannot. */
static void cancelling(void)
{
    PeerRequest sent, waits;

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    peer_start(&sent, QEMU_AIO_WRITE, buffer, 5000, 0);
    peer_await_asked(1);
    peer.full = true;
    peer_start(&waits, QEMU_AIO_WRITE, buffer, 5000, 8192);
    bdrv_aio_cancel_async(sent.acb);
    bdrv_aio_cancel_async(waits.acb);
    ASSERT_INT_EQ(peer_await(&waits), -ECANCELED);
    ASSERT_FALSE(sent.ended);
    peer.full = false;
    peer_wake(0);
    peer_answer(&peer.asked[0]);
    ASSERT_INT_EQ(peer_await(&sent), 0);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 0, 0), 0);
    ASSERT_INT_EQ(peer.count, 1);
    peer_done();
}

static void several_connections(void)
{
    PeerRequest requests[12];
    unsigned on[PEER_CONNECTIONS] = { 0 };

    peer_reset();
    peer.flags |= 1 << 8;
    peer_open((NbdClientOptions){ .connections = 3 });
    while (peer.connection[1].stage < 2 || peer.connection[2].stage < 2) {
        aio_poll(ctx, true);
    }
    for (unsigned n = 0; n < 2; n++) {
        aio_poll(ctx, false);          /* the last messages of the handshakes */
    }
    for (unsigned i = 0; i < 12; i++) {
        peer_start(&requests[i], QEMU_AIO_READ, buffer + 4096 * i, 4096, 4096 * i);
    }
    peer_await_asked(12);
    for (unsigned i = 0; i < 12; i++) {
        on[peer.asked[i].connection]++;
    }
    for (unsigned n = 0; n < 3; n++) {
        ASSERT_INT_EQ(on[n], 4);
    }
    /* One is lost: its requests go to the others. */
    peer_end(1);
    peer_await_asked(16);
    for (unsigned i = 0; i < 16; i++) {
        if (i >= 12 || peer.asked[i].connection != 1) {
            peer_answer(&peer.asked[i]);
        }
    }
    for (unsigned i = 0; i < 12; i++) {
        ASSERT_INT_EQ(peer_await(&requests[i]), 0);
        assert_content(buffer + 4096 * i, 4096 * i, 4096);
    }
    peer_done();
}

/* One connection, if the server does not say that more are safe. */
static void one_connection_unless_allowed(void)
{
    peer_reset();
    peer.automatic = true;
    peer_open((NbdClientOptions){ .connections = 3 });
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 4096, 0), 0);
    ASSERT_INT_EQ(peer.connection[1].opens, 0);
    peer_done();
}

static void tls(void)
{
    peer_reset();
    peer.automatic = true;
    peer.tls = 1;
    peer_open((NbdClientOptions){ .tls = true });
    ASSERT_INT_EQ(peer.opened, 0);
    ASSERT_INT_EQ(peer.secured, 1);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 4096, 0), 0);
    peer_done();
}

static void refusals(void)
{
    static const struct {
        uint32_t error;
        const char *text;
        bool tls;
        int ret;
        const char *why;
    } cases[] = {
        { 0x80000006u, "not here", false, -ENOENT, "the server has no export named 'disk'" },
        { 0x80000002u, "", false, -EACCES, "does not allow the export" },
        { 0x80000005u, "", false, -EACCES, "use nbds://" },
        { 0x80000007u, "", false, -ECONNREFUSED, "shutting down" },
        { 0x80000042u, "\033[2Jno", false, -EINVAL, "(the server says: ?[2Jno)" },
        { 0, "", true, -EPROTONOSUPPORT, "the server has no TLS" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        peer_reset();
        peer.refuses = cases[i].error;
        peer.refusal = cases[i].text;
        peer_open((NbdClientOptions){ .tls = cases[i].tls });
        ASSERT_INT_EQ(peer.opened, cases[i].ret);
        if (!strstr(peer.why, cases[i].why)) {
            TEST_FAIL("\"%s\" does not contain \"%s\"", peer.why, cases[i].why);
        }
        peer_done();
    }
}

static void wrong_options(void)
{
    static char name[NBD_MAX_NAME + 2];
    NbdClientOptions options = { .transport = &peer_transport, .opaque = &peer, .export_name = name };

    loop_setup();
    memset(name, 'x', NBD_MAX_NAME + 1);
    ASSERT_INT_EQ(nbd_client_new(ctx, &options, peer_opened), -EINVAL);
    options.export_name = "";
    options.connections = NBD_MAX_CONNECTIONS + 1;
    ASSERT_INT_EQ(nbd_client_new(ctx, &options, peer_opened), -EINVAL);
    loop_teardown();
}

static void a_client_that_is_gone(void)
{
    peer_reset();
    peer.automatic = true;
    peer_open((NbdClientOptions){ 0 });
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 10, 0), 0);
    nbd_client_free(ctx, peer.client);
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 10, 0), -EBADF);
    nbd_client_readable(ctx, peer.client, 0);
    nbd_client_lost(ctx, peer.client, 0, EIO, "late");
    ASSERT_PTR_EQ(nbd_client_export(ctx, peer.client), NULL);
    loop_teardown();
}

static void freeing_twice(void)
{
    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    nbd_client_free(ctx, peer.client);
    nbd_client_free(ctx, peer.client);
}

TEST_PROGRAM(
    TEST(reads_writes_and_flushes),
    TEST(byte_by_byte),
    TEST(an_older_server),
    TEST(replies_out_of_order),
    TEST(chunks),
    TEST(a_batch_is_sent_at_once),
    TEST(large_requests_are_divided),
    TEST(the_end_of_the_export),
    TEST(a_read_only_export),
    TEST(errors_of_the_server),
    TEST(cancelling),
    TEST(several_connections),
    TEST(one_connection_unless_allowed),
    TEST(tls),
    TEST(refusals),
    TEST(wrong_options),
    TEST(a_client_that_is_gone),
    TEST_PANICS(freeing_twice, "there is no NBD client"),
)

/* SPDX-License-Identifier: MIT */
/* The NBD client against servers that are wrong, slow, hostile, or gone. */
#include "nbd-peer.h"

static uint8_t buffer[PEER_SIZE], other[PEER_SIZE];

/* ---- What no server may send ---- */

static void wrong_magic(Asked *a)
{
    peer_number(a->connection, UINT64_C(0x6744669900000000), 8);
    peer_number(a->connection, a->cookie, 8);
}

static void unknown_cookie(Asked *a)
{
    a->cookie += 1024;
    peer_data(a, 1, a->offset, a->length);
}

static void cookie_of_a_free_slot(Asked *a)
{
    a->cookie ^= 512;
    peer_data(a, 1, a->offset, a->length);
}

static void data_before(Asked *a)
{
    peer_data(a, 1, a->offset - 1, a->length);
}

static void data_beyond(Asked *a)
{
    peer_data(a, 1, a->offset + 1, a->length);
}

static void data_far_beyond(Asked *a)
{
    peer_chunk(a, 1, 1, 108);
    peer_number(a->connection, UINT64_MAX - 49, 8);
    peer_put(a->connection, peer.disk, 100);
}

static void huge_chunk(Asked *a)
{
    peer_chunk(a, 1, 1, UINT32_MAX);
    peer_number(a->connection, a->offset, 8);
    peer_put(a->connection, peer.disk, 100000);
}

static void empty_data(Asked *a)
{
    peer_data(a, 0, a->offset, 0);
}

static void data_twice(Asked *a)
{
    peer_data(a, 0, a->offset, a->length - 10);
    peer_data(a, 1, a->offset + 100, 10);
}

static void data_missing(Asked *a)
{
    peer_data(a, 0, a->offset, 100);
    peer_data(a, 1, a->offset + 101, a->length - 101);
}

static void nothing_at_all(Asked *a)
{
    peer_chunk(a, 1, 0, 0);
}

static void hole_beyond(Asked *a)
{
    peer_chunk(a, 1, 2, 12);
    peer_number(a->connection, a->offset, 8);
    peer_number(a->connection, a->length + 1, 4);
}

static void hole_of_a_wrong_length(Asked *a)
{
    peer_chunk(a, 1, 2, 13);
    peer_put(a->connection, peer.disk, 13);
}

static void too_many_pieces(Asked *a)
{
    for (unsigned i = 0; i < 9; i++) {
        peer_data(a, 0, a->offset + 2 * i, 1);
    }
}

static void simple_instead_of_structured(Asked *a)
{
    peer_simple(a, 0);
    peer_put(a->connection, peer.disk + a->offset, a->length);
}

static void unknown_chunk(Asked *a)
{
    peer_chunk(a, 1, 7, 0);
}

static void last_chunk_that_is_not(Asked *a)
{
    peer_chunk(a, 0, 0, 0);
}

static void error_of_no_number(Asked *a)
{
    peer_error(a, 1, 0, "");
}

static void error_with_a_long_text(Asked *a)
{
    peer_chunk(a, 1, 0x8001, 8);
    peer_number(a->connection, 5, 4);
    peer_number(a->connection, 3, 2);
    peer_number(a->connection, 0, 2);
}

static void error_without_end(Asked *a)
{
    peer_chunk(a, 1, 0x8001, 100000);
}

static const struct {
    const char *name;
    void (*answer)(Asked *a);
    const char *why;
} wrongs[] = {
    { "wrong_magic", wrong_magic, "something else than a reply" },
    { "unknown_cookie", unknown_cookie, "was not sent" },
    { "cookie_of_a_free_slot", cookie_of_a_free_slot, "was not sent" },
    { "data_before", data_before, "outside" },
    { "data_beyond", data_beyond, "outside" },
    { "data_far_beyond", data_far_beyond, "outside" },
    { "huge_chunk", huge_chunk, "outside" },
    { "empty_data", empty_data, "chunk of type" },
    { "data_twice", data_twice, "twice" },
    { "data_missing", data_missing, "without all of its data" },
    { "nothing_at_all", nothing_at_all, "without all of its data" },
    { "hole_beyond", hole_beyond, "outside" },
    { "hole_of_a_wrong_length", hole_of_a_wrong_length, "chunk of type" },
    { "too_many_pieces", too_many_pieces, "pieces" },
    { "simple_instead_of_structured", simple_instead_of_structured, "simple reply" },
    { "unknown_chunk", unknown_chunk, "chunk of type" },
    { "last_chunk_that_is_not", last_chunk_that_is_not, "chunk of type" },
    { "error_of_no_number", error_of_no_number, "without a number" },
    { "error_with_a_long_text", error_with_a_long_text, "longer than its chunk" },
    { "error_without_end", error_without_end, "chunk of type" },
};

/* Each ends the connection and the request, and touches no byte beside the request's memory. */
static void wrong_replies(void)
{
    enum { GUARD = 64, LENGTH = 3000 };

    for (unsigned i = 0; i < ARRAY_SIZE(wrongs); i++) {
        PeerRequest read, second;

        peer_reset();
        peer_open((NbdClientOptions){ 0 });
        memset(buffer, 0xee, LENGTH + 2 * GUARD);
        peer_start(&read, QEMU_AIO_READ, buffer + GUARD, LENGTH, 5000);
        peer_await_asked(1);
        wrongs[i].answer(&peer.asked[0]);
        if (peer_await(&read) != -EPROTO) {
            TEST_FAIL("%s: %d", wrongs[i].name, read.ret);
        }
        ASSERT_INT_EQ(peer.connection[0].closes, 1);
        for (unsigned k = 0; k < GUARD; k++) {
            ASSERT_INT_EQ(buffer[k], 0xee);
            ASSERT_INT_EQ(buffer[GUARD + LENGTH + k], 0xee);
        }
        if (!strstr(nbd_client_why(ctx, peer.client, read.ret), wrongs[i].why)) {
            TEST_FAIL("%s: \"%s\"", wrongs[i].name, nbd_client_why(ctx, peer.client, read.ret));
        }
        ASSERT_STR_EQ(nbd_client_why(ctx, peer.client, -ENOSPC), "");
        /* A new connection is made for the next request. */
        peer_start(&second, QEMU_AIO_READ, buffer, LENGTH, 5000);
        peer_await_asked(2);
        peer_answer(&peer.asked[1]);
        ASSERT_INT_EQ(peer_await(&second), 0);
        ASSERT_INT_EQ(memcmp(buffer, peer.disk + 5000, LENGTH), 0);
        ASSERT_INT_EQ(peer.connection[0].opens, 2);
        peer_done();
    }
}

/* Data for a write. */
static void data_for_a_write(void)
{
    PeerRequest write;

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    peer_start(&write, QEMU_AIO_WRITE, buffer, 100, 0);
    peer_await_asked(1);
    peer_data(&peer.asked[0], 1, 0, 100);
    ASSERT_INT_EQ(peer_await(&write), -EPROTO);
    peer_done();
}

/* ---- Handshakes that are none ---- */

static void assert_refused(const void *bytes, size_t length, bool ends, int ret, const char *why)
{
    peer_reset();
    peer.silent = true;
    peer.tls = 1;
    loop_setup();
    peer.opened = 1;
    peer.client = nbd_client_new(ctx, &(NbdClientOptions){ .transport = &peer_transport, .opaque = &peer, .export_name = "" },
                                 peer_opened);
    peer_put(0, bytes, length);
    peer.connection[0].ended = ends;
    while (peer.opened == 1) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(peer.opened, ret);
    if (!strstr(peer.why, why)) {
        TEST_FAIL("\"%s\" does not contain \"%s\"", peer.why, why);
    }
    peer_done();
}

static void wrong_handshakes(void)
{
    static const char greeting[] = "NBDMAGICIHAVEOPT\0\3";
    static const char old[] = "NBDMAGIC\0\0\x42\x02\x81\x86\x12\x53\0\0";
    static const char not_fixed[] = "NBDMAGICIHAVEOPT\0\0";
    char text[300];
    uint8_t endless[NBD_MAX_NAME * 4];

    assert_refused("HTTP/1.1 400 Bad Request\r\n", 26, true, -EPROTO, "no NBD server");
    assert_refused("NBDMAGICWHATEVER\0\3", 18, false, -EPROTO, "no NBD server");
    assert_refused(old, 18, false, -EPROTONOSUPPORT, "old form");
    assert_refused(not_fixed, 18, false, -EPROTONOSUPPORT, "old form");
    assert_refused(greeting, 10, true, -ECONNRESET, "closed the connection");
    /* An answer to another option; one that is too long; one of an unknown type. */
    memcpy(text, greeting, 18);
    memcpy(text + 18, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\1\0\0\0\0", 20);
    assert_refused(text, 38, false, -EPROTO, "another option");
    memcpy(text + 18, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\10\0\0\0\1\1\0\0\0", 20);
    assert_refused(text, 38, false, -EPROTO, "does not end");
    memcpy(text + 18, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\10\0\0\0\11\0\0\0\0", 20);
    assert_refused(text, 38, false, -EPROTO, "has answered an option by");
    /* Structured replies are agreed on, and metadata is not; then the export is described for ever, or not at all, or
     * impossibly. */
    memcpy(text + 18, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\10\0\0\0\1\0\0\0\0", 20);
    memcpy(text + 38, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\12\x80\0\0\1\0\0\0\0", 20);
    memcpy(endless, text, 58);
    for (unsigned i = 0; i < 100; i++) {
        memcpy(endless + 58 + 22 * i, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\2\0\1", 22);
    }
    assert_refused(endless, 58 + 2200, false, -EPROTO, "does not end");
    memcpy(text + 58, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\1\0\0\0\0", 20);
    assert_refused(text, 78, false, -EPROTO, "has not told the size");
    memcpy(text + 58, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\13\0\0", 22);
    assert_refused(text, 58 + 31, false, -EPROTO, "does not fit");
    memcpy(text + 58, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\14\0\0\xff\0\0\0\0\0\0\0\0\1", 32);
    memcpy(text + 90, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\1\0\0\0\0", 20);
    assert_refused(text, 110, false, -EFBIG, "2^63");
    memcpy(text + 58, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\16\0\3\0\0\0\3\0\0\20\0\0\1\0\0", 34);
    memcpy(text + 92, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\14\0\0\0\0\0\0\0\1\0\0\0\1", 32);
    memcpy(text + 124, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\7\0\0\0\1\0\0\0\0", 20);
    assert_refused(text, 144, false, -EPROTO, "impossible sizes");
    /* Metadata that nobody has asked for: another context, none, the same one twice. */
    memcpy(text + 38, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\12\0\0\0\4\0\0\0\x13" "\0\0\0\1base:allocatiom", 39);
    assert_refused(text, 77, false, -EPROTO, "metadata context");
    memcpy(text + 38, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\12\0\0\0\4\0\0\0\3" "\0\0\1", 23);
    assert_refused(text, 61, false, -EPROTO, "metadata context");
    for (unsigned i = 0; i < 2; i++) {
        memcpy(text + 38 + 39 * i, "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\12\0\0\0\4\0\0\0\x13" "\0\0\0\1base:allocation", 39);
    }
    assert_refused(text, 116, false, -EPROTO, "metadata context");
}

/* Bytes between the consent to TLS and TLS could be another's. */
static void bytes_before_tls(void)
{
    peer_reset();
    peer.tls = 1;
    loop_setup();
    peer.opened = 1;
    peer.client = nbd_client_new(ctx, &(NbdClientOptions){ .transport = &peer_transport, .opaque = &peer, .export_name = "",
                                                           .tls = true }, peer_opened);
    peer.silent = true;
    peer_put(0, "NBDMAGICIHAVEOPT\0\3" "\0\3\xe8\x89\x04\x55\x65\xa9\0\0\0\5\0\0\0\1\0\0\0\0" "x", 39);
    while (peer.opened == 1) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(peer.opened, -EPROTO);
    ASSERT_INT_EQ(peer.secured, 0);
    peer_done();
}

/* ---- Connections that are lost ---- */

static void replayed_after_half_a_reply(void)
{
    PeerRequest read, write, flush;

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 60000 });
    memset(buffer, 0, 20000);
    memset(other, 0x77, 5000);
    peer_start(&read, QEMU_AIO_READ, buffer, 20000, 0);
    peer_start(&write, QEMU_AIO_WRITE, other, 5000, 500000);
    peer_start(&flush, QEMU_AIO_FLUSH, NULL, 0, 0);
    peer_await_asked(3);
    peer_chunk(&peer.asked[0], 1, 1, 8 + 20000);
    peer_number(0, 0, 8);
    peer_put(0, other, 10000);         /* wrong bytes, which the second reply replaces */
    peer_end(0);
    peer_await_asked(6);
    ASSERT_INT_EQ(peer.asked[3].type, 0);
    ASSERT_INT_EQ(peer.asked[4].type, 1);
    ASSERT_INT_EQ(peer.asked[5].type, 3);
    ASSERT_INT_NE(peer.asked[3].cookie, peer.asked[0].cookie);
    for (unsigned i = 3; i < 6; i++) {
        peer_answer(&peer.asked[i]);
    }
    ASSERT_INT_EQ(peer_await(&read), 0);
    ASSERT_INT_EQ(peer_await(&write), 0);
    ASSERT_INT_EQ(peer_await(&flush), 0);
    ASSERT_INT_EQ(memcmp(buffer, peer.disk, 20000), 0);
    ASSERT_INT_EQ(peer.connection[0].opens, 2);
    peer_done();
}

/* A request under which every connection is lost ends. */
static void a_deadly_request(void)
{
    PeerRequest read;

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 60000 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    for (unsigned i = 1; !read.ended; i++) {
        while (peer.count < i && !read.ended) {
            aio_poll(ctx, true);
        }
        if (!read.ended) {
            peer_end(0);
        }
    }
    ASSERT_INT_EQ(read.ret, -ECONNRESET);
    ASSERT_INT_EQ(peer.count, 5);
    peer_done();
}

/* As if the server were shutting down: the request goes to the next one. */
static void the_server_shuts_down(void)
{
    PeerRequest read;

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 60000 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    peer_await_asked(1);
    peer_error(&peer.asked[0], 1, 108, "");
    peer_await_asked(2);
    peer_answer(&peer.asked[1]);
    ASSERT_INT_EQ(peer_await(&read), 0);
    peer_done();
}

static void nobody_waits_without_a_delay(void)
{
    PeerRequest read;
    unsigned opens;

    peer_reset();
    peer_open((NbdClientOptions){ 0 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    peer_await_asked(1);
    peer.absent = true;
    peer_end(0);
    ASSERT_INT_EQ(peer_await(&read), -ECONNRESET);
    opens = peer.connection[0].opens;
    /* One attempt for each request. */
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 100, 0), -ECONNREFUSED);
    ASSERT_INT_EQ(peer.connection[0].opens, opens + 1);
    peer.absent = false;
    peer.automatic = true;
    ASSERT_INT_EQ(peer_do(QEMU_AIO_READ, buffer, 100, 0), 0);
    peer_done();
}

static void they_wait_for_the_delay(void)
{
    PeerRequest read, cancelled;
    int64_t begin;

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 120 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    peer_start(&cancelled, QEMU_AIO_READ, other, 100, 0);
    peer_await_asked(2);
    peer.absent = true;
    begin = now_ns();
    peer_end(0);
    while (peer.connection[0].open) {
        aio_poll(ctx, true);
    }
    bdrv_aio_cancel_async(cancelled.acb);
    ASSERT_INT_EQ(peer_await(&cancelled), -ECANCELED);
    ASSERT_INT_EQ(peer_await(&read), -ECONNREFUSED);
    ASSERT_INT_GE(now_ns() - begin, 120 * SCALE_MS);
    ASSERT_INT_GE(peer.connection[0].opens, 3);
    peer_done();
}

static void another_export_comes_back(void)
{
    PeerRequest read;

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 100 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    peer_await_asked(1);
    peer.size = PEER_SIZE / 2;
    peer_end(0);
    ASSERT_INT_EQ(peer_await(&read), -ESTALE);
    peer_done();
}

static void silence_ends_a_connection(void)
{
    PeerRequest read;

    peer_reset();
    peer_open((NbdClientOptions){ .request_timeout_ms = 40 });
    peer_start(&read, QEMU_AIO_READ, buffer, 100, 0);
    ASSERT_INT_EQ(peer_await(&read), -ETIMEDOUT);
    ASSERT_INT_EQ(peer.connection[0].closes, 1);
    peer_done();
}

static void a_silent_handshake(void)
{
    peer_reset();
    peer.silent = true;
    peer_open((NbdClientOptions){ .request_timeout_ms = 40 });
    ASSERT_INT_EQ(peer.opened, -ETIMEDOUT);
    ASSERT_TRUE(strstr(peer.why, "silent"));
    peer_done();
}

static void freed_in_flight(void)
{
    PeerRequest requests[3];

    peer_reset();
    peer_open((NbdClientOptions){ .reconnect_delay_ms = 1000 });
    for (unsigned i = 0; i < 3; i++) {
        peer_start(&requests[i], QEMU_AIO_READ, buffer + 100 * i, 100, 0);
    }
    peer_await_asked(3);
    peer_done();
    for (unsigned i = 0; i < 3; i++) {
        ASSERT_INT_EQ(requests[i].ret, -ECANCELED);
    }
    ASSERT_TRUE(peer.said_good_bye);
}

/* ---- Chance ---- */

/* Random requests on two connections that are lost again and again, against a model. */
static void against_a_model(void)
{
    enum { SLOTS = 16, SLOT = PEER_SIZE / SLOTS };
    uint64_t seed = test_seed();
    int rounds = test_rounds(30);
    PeerRequest requests[SLOTS];
    static uint8_t model[PEER_SIZE], memory[PEER_SIZE];
    unsigned losses = 0;

    peer_reset();
    peer.flags |= 1 << 8;
    memcpy(model, peer.disk, PEER_SIZE);
    peer_open((NbdClientOptions){ .connections = 2, .reconnect_delay_ms = 60000 });
    for (int round = 0; round < rounds; round++) {
        unsigned now_lost = 0;         /* the client gives a request five connections */

        peer.count = 0;
        peer.step = test_random(&seed) % 3 ? 0 : 1 + test_random(&seed) % 9000;
        for (unsigned i = 0; i < SLOTS; i++) {
            size_t length = 1 + test_random(&seed) % (SLOT / 4);
            size_t offset = SLOT * i + test_random(&seed) % (SLOT / 2);
            uint8_t *bytes = memory + SLOT * i;

            if (test_random(&seed) % 2) {
                for (size_t k = 0; k < length; k++) {
                    bytes[k] = (uint8_t)test_random(&seed);
                }
                memcpy(model + offset, bytes, length);
                peer_start(&requests[i], QEMU_AIO_WRITE, bytes, length, (int64_t)offset);
            } else {
                memset(bytes, 0, length);
                peer_start(&requests[i], QEMU_AIO_READ, bytes, length, (int64_t)offset);
            }
        }
        while (peer_pending) {
            unsigned n = (unsigned)(test_random(&seed) % 2), answered = 0;

            if (test_random(&seed) % 20 == 0 && now_lost < 3 && peer.connection[n].open && !peer.connection[n].ended) {
                losses++;
                now_lost++;
                peer_end(n);
            }
            for (unsigned i = 0, from = (unsigned)test_random(&seed); i < peer.count && !answered; i++) {
                Asked *a = &peer.asked[(from + i) % peer.count];
                PeerConnection *c = &peer.connection[a->connection];

                if (!a->answered && a->session == c->opens && c->open && !c->ended) {
                    peer_answer(a);
                    answered++;
                }
            }
            aio_poll(ctx, !answered);
        }
        for (unsigned i = 0; i < SLOTS; i++) {
            ASSERT_INT_EQ(requests[i].ret, 0);
            if (requests[i].op.type == QEMU_AIO_READ) {
                ASSERT_INT_EQ(memcmp(memory + SLOT * i, model + requests[i].op.offset,
                                     requests[i].iov[0].iov_len + requests[i].iov[1].iov_len + requests[i].iov[2].iov_len), 0);
            }
        }
    }
    ASSERT_INT_EQ(memcmp(model, peer.disk, PEER_SIZE), 0);
    ASSERT_INT_GT(losses, 0);
    peer_done();
}

TEST_PROGRAM(
    TEST(wrong_replies),
    TEST(data_for_a_write),
    TEST(wrong_handshakes),
    TEST(bytes_before_tls),
    TEST(replayed_after_half_a_reply),
    TEST(a_deadly_request),
    TEST(the_server_shuts_down),
    TEST(nobody_waits_without_a_delay),
    TEST(they_wait_for_the_delay),
    TEST(another_export_comes_back),
    TEST(silence_ends_a_connection),
    TEST(a_silent_handshake),
    TEST(freed_in_flight),
    TEST(against_a_model),
)

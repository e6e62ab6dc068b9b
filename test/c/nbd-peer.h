/* SPDX-License-Identifier: MIT */
#ifndef TEST_NBD_PEER_H
#define TEST_NBD_PEER_H
/*
 * An NBD server in the test itself, with a transport in memory: it shakes hands as it is told to, notes the requests,
 * and answers them only when the test says so, or at once (automatic). It is written from the protocol's text and
 * shares no code with the client.
 */
#include "block/block.h"
#include "block/nbd-client.h"
#include "loop.h"

enum { PEER_CONNECTIONS = 4, PEER_SIZE = 1 << 20, PEER_ASKED = 2048 };

typedef struct Asked {
    unsigned connection, session;
    uint16_t flags, type;
    uint64_t cookie, offset;
    uint32_t length;
    bool answered;
} Asked;

typedef struct PeerConnection {
    bool open;
    bool connecting, told_writable;
    unsigned stage;            /* 0: the client's flags follow, 1: options, 2: requests */
    uint8_t *in, *out;         /* to the client; from it */
    size_t in_at, in_length, in_size, out_length;
    bool ended;                /* the server has closed it, behind in */
    bool structured;
    unsigned opens, closes;
} PeerConnection;

static struct {
    /* What it offers. */
    uint64_t size;
    uint16_t flags;
    uint32_t min, max;         /* max 0: it names no sizes */
    bool no_structured, no_go, silent, absent;
    uint32_t context;          /* its number of base:allocation; 0: it has no metadata */
    uint32_t refuses;          /* the error by which it answers NBD_OPT_GO */
    const char *refusal;
    uint32_t tls;              /* 0: it has none; 1: the reply ACK; else this error */
    bool automatic;
    size_t step;               /* bytes that move at once; 0: all */
    bool full;                 /* it takes no bytes */
    /* What happened. */
    PeerConnection connection[PEER_CONNECTIONS];
    Asked asked[PEER_ASKED];
    unsigned count;
    unsigned sends, secured, flushes;
    bool said_good_bye;
    uint8_t disk[PEER_SIZE];
    int client;
    int opened;                /* 1: not yet */
    char why[300];
} peer;

static void peer_look(void *opaque);

static inline void peer_wake(unsigned n)
{
    aio_bh_schedule_oneshot(ctx, peer_look, &peer.connection[n]);
}

static inline void peer_put(unsigned n, const void *bytes, size_t length)
{
    PeerConnection *c = &peer.connection[n];

    /* A sanitizer's realloc() copies each time. */
    if (c->in_length + length + 1 > c->in_size) {
        c->in_size = 2 * (c->in_length + length + 1);
        c->in = realloc(c->in, c->in_size);
    }
    memcpy(c->in + c->in_length, bytes, length);
    c->in_length += length;
    peer_wake(n);
}

static inline void peer_number(unsigned n, uint64_t value, unsigned bytes)
{
    uint8_t text[8];

    for (unsigned i = 0; i < bytes; i++) {
        text[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
    peer_put(n, text, bytes);
}

static inline uint64_t peer_get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes--) {
        value = value * 256 + *at++;
    }
    return value;
}

/* The server closes the connection, after what it has put. */
static inline void peer_end(unsigned n)
{
    peer.connection[n].ended = true;
    peer_wake(n);
}

/* ---- Replies ---- */

static inline void peer_chunk(const Asked *a, uint16_t flags, uint16_t type, uint32_t length)
{
    peer_number(a->connection, 0x668e33ef, 4);
    peer_number(a->connection, flags, 2);
    peer_number(a->connection, type, 2);
    peer_number(a->connection, a->cookie, 8);
    peer_number(a->connection, length, 4);
}

static inline void peer_simple(const Asked *a, uint32_t error)
{
    peer_number(a->connection, 0x67446698, 4);
    peer_number(a->connection, error, 4);
    peer_number(a->connection, a->cookie, 8);
}

/* Data of a structured reply. */
static inline void peer_data(const Asked *a, uint16_t flags, uint64_t offset, uint32_t length)
{
    peer_chunk(a, flags, 1, 8 + length);
    peer_number(a->connection, offset, 8);
    peer_put(a->connection, peer.disk + offset, length);
}

static inline void peer_error(const Asked *a, uint16_t flags, uint32_t error, const char *text)
{
    peer_chunk(a, flags, 0x8001, 6 + (uint32_t)strlen(text));
    peer_number(a->connection, error, 4);
    peer_number(a->connection, strlen(text), 2);
    peer_put(a->connection, text, strlen(text));
}

/* A block status: so many extents, each of which has a length and a state. */
static inline void peer_status(const Asked *a, uint16_t flags, const uint32_t (*extents)[2], unsigned count)
{
    peer_chunk(a, flags, 5, 4 + 8 * count);
    peer_number(a->connection, peer.context, 4);
    for (unsigned i = 0; i < count; i++) {
        peer_number(a->connection, extents[i][0], 4);
        peer_number(a->connection, extents[i][1], 4);
    }
}

/* The right reply. */
static inline void peer_answer(Asked *a)
{
    a->answered = true;
    if (a->type == 3) {
        peer.flushes++;
    }
    if (a->type == 6 && a->offset + a->length <= PEER_SIZE) {
        memset(peer.disk + a->offset, 0, a->length);
    }
    if (a->type == 7) {
        peer_status(a, 1, (const uint32_t[][2]){ { a->length, 0 } }, 1);
    } else if (a->type != 0) {
        peer_simple(a, 0);
    } else if (peer.connection[a->connection].structured) {
        peer_data(a, 1, a->offset, a->length);
    } else {
        peer_simple(a, 0);
        peer_put(a->connection, peer.disk + a->offset, a->length);
    }
}

/* ---- What the client sends ---- */

static inline void peer_option_reply(unsigned n, uint32_t option, uint32_t type, const void *data, uint32_t length)
{
    peer_number(n, UINT64_C(0x3e889045565a9), 8);
    peer_number(n, option, 4);
    peer_number(n, type, 4);
    peer_number(n, length, 4);
    peer_put(n, data, length);
}

static inline void peer_info(unsigned n, uint16_t type, uint32_t length)
{
    peer_number(n, UINT64_C(0x3e889045565a9), 8);
    peer_number(n, 7, 4);
    peer_number(n, 3, 4);
    peer_number(n, length, 4);
    peer_number(n, type, 2);
}

static inline void peer_option(unsigned n, uint32_t option, const uint8_t *data, uint32_t length)
{
    PeerConnection *c = &peer.connection[n];
    const uint32_t unknown = 0x80000001u;

    if (option == 1) {
        c->stage = 2;
        peer_number(n, peer.size, 8);
        peer_number(n, peer.flags, 2);
    } else if (option == 5 && peer.tls) {
        peer_option_reply(n, 5, peer.tls, "", 0);
    } else if (option == 8 && !peer.no_structured) {
        c->structured = true;
        peer_option_reply(n, 8, 1, "", 0);
    } else if (option == 10 && peer.context) {
        uint32_t name = (uint32_t)peer_get(data, 4);
        uint8_t reply[19] = { (uint8_t)(peer.context >> 24), (uint8_t)(peer.context >> 16), (uint8_t)(peer.context >> 8), (uint8_t)peer.context };

        ASSERT_INT_EQ(length, 4 + name + 4 + 4 + 15);
        ASSERT_INT_EQ(peer_get(data + 4 + name, 4), 1);
        ASSERT_INT_EQ(peer_get(data + 4 + name + 4, 4), 15);
        ASSERT_INT_EQ(memcmp(data + 4 + name + 8, "base:allocation", 15), 0);
        memcpy(reply + 4, data + 4 + name + 8, 15);
        peer_option_reply(n, 10, 4, reply, 19);
        peer_option_reply(n, 10, 1, "", 0);
    } else if (option == 7 && peer.refuses) {
        peer_option_reply(n, 7, peer.refuses, peer.refusal, (uint32_t)strlen(peer.refusal));
    } else if (option == 7 && !peer.no_go) {
        ASSERT_INT_EQ(length, 4 + peer_get(data, 4) + 4);
        c->stage = 2;
        peer_info(n, 0, 12);
        peer_number(n, peer.size, 8);
        peer_number(n, peer.flags, 2);
        if (peer.max) {
            peer_info(n, 3, 14);
            peer_number(n, peer.min, 4);
            peer_number(n, 4096, 4);
            peer_number(n, peer.max, 4);
        }
        peer_option_reply(n, 7, 1, "", 0);
    } else if (option != 2) {
        peer_option_reply(n, option, unknown, "", 0);
    }
}

static inline void peer_request(unsigned n, const uint8_t *at, uint32_t data)
{
    Asked *a = &peer.asked[peer.count];

    ASSERT_INT_EQ(peer_get(at, 4), 0x25609513);
    *a = (Asked){ .connection = n, .session = peer.connection[n].opens, .flags = (uint16_t)peer_get(at + 4, 2), .type = (uint16_t)peer_get(at + 6, 2),
                  .cookie = peer_get(at + 8, 8), .offset = peer_get(at + 16, 8), .length = (uint32_t)peer_get(at + 24, 4) };
    if (a->type == 2) {
        peer.said_good_bye = true;
        return;
    }
    ASSERT_INT_LT(peer.count, PEER_ASKED);
    peer.count++;
    ASSERT_TRUE(a->offset + a->length <= peer.size);
    if (a->type == 1) {
        ASSERT_TRUE(a->offset + data <= PEER_SIZE);
        memcpy(peer.disk + a->offset, at + 28, data);
    }
    if (peer.automatic) {
        peer_answer(a);
    }
}

/* Takes what is complete of what the client has sent. */
static inline void peer_take(unsigned n)
{
    PeerConnection *c = &peer.connection[n];
    size_t at = 0;

    for (;;) {
        const uint8_t *from = c->out + at;
        size_t left = c->out_length - at, size;

        if (c->stage == 0) {
            if (left < 4) {
                break;
            }
            ASSERT_INT_EQ(peer_get(from, 4), 3);
            c->stage = 1;
            at += 4;
        } else if (c->stage == 1) {
            if (left < 16 || left < (size = 16 + (size_t)peer_get(from + 12, 4))) {
                break;
            }
            ASSERT_INT_EQ(peer_get(from, 8), 0x49484156454F5054);
            peer_option(n, (uint32_t)peer_get(from + 8, 4), from + 16, (uint32_t)size - 16);
            at += size;
        } else {
            if (left < 28 || left < (size = 28 + (peer_get(from + 6, 2) == 1 ? (size_t)peer_get(from + 24, 4) : 0))) {
                break;
            }
            peer_request(n, from, (uint32_t)size - 28);
            at += size;
        }
    }
    memmove(c->out, c->out + at, c->out_length - at);
    c->out_length -= at;
}

/* ---- The transport ---- */

/* Tells the client what has happened meanwhile. */
static void peer_look(void *opaque)
{
    PeerConnection *c = opaque;
    unsigned n = (unsigned)(c - peer.connection);

    if (c->connecting) {
        c->connecting = false;
        if (peer.absent) {
            nbd_client_lost(ctx, peer.client, n, ECONNREFUSED, "nobody listens there");
            return;
        }
        c->open = true;
        nbd_client_connected(ctx, peer.client, n);
        if (!peer.silent) {
            peer_number(n, UINT64_C(0x4e42444d41474943), 8);
            peer_number(n, UINT64_C(0x49484156454F5054), 8);
            peer_number(n, 3, 2);
        }
    }
    if (c->open && c->told_writable && !peer.full) {
        c->told_writable = false;
        nbd_client_writable(ctx, peer.client, n);
    }
    if (c->open && (c->in_at < c->in_length || c->ended)) {
        nbd_client_readable(ctx, peer.client, n);
        if (c->open && c->in_at < c->in_length) {
            peer_wake(n);
        }
    }
}

static void peer_connect(void *opaque, unsigned n)
{
    PeerConnection *c = &peer.connection[n];

    ASSERT_PTR_EQ(opaque, &peer);
    ASSERT_FALSE(c->open || c->connecting);
    c->connecting = true;
    c->ended = c->told_writable = c->structured = false;
    c->stage = 0;
    c->in_at = c->in_length = c->out_length = 0;
    c->opens++;
    peer_wake(n);
}

static void peer_secure(void *opaque, unsigned n)
{
    (void)opaque;
    peer.secured++;
    peer.connection[n].connecting = true;      /* nbd_client_connected() follows */
    peer.silent = true;
    peer_wake(n);
}

static int peer_receive(void *opaque, unsigned n, const struct iovec *iov, unsigned niov)
{
    PeerConnection *c = &peer.connection[n];
    size_t left = c->in_length - c->in_at, done = 0;

    (void)opaque;
    ASSERT_TRUE(c->open);
    left = peer.step && left > peer.step ? peer.step : left;
    if (!left) {
        return c->ended ? 0 : -EAGAIN;
    }
    for (unsigned i = 0; i < niov && left; i++) {
        size_t here = MIN(left, iov[i].iov_len);

        ASSERT_INT_GT(iov[i].iov_len, 0);
        memcpy(iov[i].iov_base, c->in + c->in_at, here);
        c->in_at += here;
        left -= here;
        done += here;
    }
    return (int)done;
}

static int peer_send(void *opaque, unsigned n, const struct iovec *iov, unsigned niov)
{
    PeerConnection *c = &peer.connection[n];
    size_t left = peer.step ? peer.step : SIZE_MAX, done = 0;

    (void)opaque;
    ASSERT_TRUE(c->open);
    if (peer.full || (peer.step && c->told_writable)) {
        c->told_writable = true;
        return -EAGAIN;
    }
    peer.sends++;
    for (unsigned i = 0; i < niov && left; i++) {
        size_t here = MIN(left, iov[i].iov_len);

        c->out = realloc(c->out, c->out_length + here + 1);
        memcpy(c->out + c->out_length, iov[i].iov_base, here);
        c->out_length += here;
        left -= here;
        done += here;
    }
    if (peer.step) {
        c->told_writable = true;       /* the next call has to wait */
        peer_wake(n);
    }
    peer_take(n);
    return (int)done;
}

static void peer_close(void *opaque, unsigned n)
{
    PeerConnection *c = &peer.connection[n];

    (void)opaque;
    ASSERT_TRUE(c->open || c->connecting);
    c->open = c->connecting = false;
    c->closes++;
}

static const NbdTransport peer_transport = { peer_connect, peer_secure, peer_receive, peer_send, peer_close };

/* ---- Requests of the test ---- */

typedef struct PeerRequest {
    struct iovec iov[3];
    RawAioOp op;
    BlockAIOCB *acb;
    int ret;
    bool ended;
} PeerRequest;

static unsigned peer_pending;

static void peer_opened(void *opaque, int ret, const char *why)
{
    ASSERT_PTR_EQ(opaque, &peer);
    ASSERT_INT_EQ(peer.opened, 1);
    peer.opened = ret;
    snprintf(peer.why, sizeof(peer.why), "%s", why);
}

/* Before the context; the test may change what the server offers. */
static inline void peer_reset(void)
{
    for (unsigned n = 0; n < PEER_CONNECTIONS; n++) {
        free(peer.connection[n].in);
        free(peer.connection[n].out);
    }
    memset(&peer, 0, sizeof(peer));
    peer.size = PEER_SIZE;
    peer.flags = 1 | 4 | 8;
    peer.refusal = "";
    for (unsigned i = 0; i < PEER_SIZE; i++) {
        peer.disk[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static inline void peer_open(NbdClientOptions options)
{
    loop_setup();
    options.transport = &peer_transport;
    options.opaque = &peer;
    if (!options.export_name) {
        options.export_name = "disk";
    }
    peer.opened = 1;
    peer.client = nbd_client_new(ctx, &options, peer_opened);
    ASSERT_INT_GE(peer.client, 0);
    while (peer.opened == 1) {
        aio_poll(ctx, true);
    }
}

static inline void peer_done(void)
{
    nbd_client_free(ctx, peer.client);
    for (unsigned n = 0; n < PEER_CONNECTIONS; n++) {
        ASSERT_FALSE(peer.connection[n].open || peer.connection[n].connecting);
    }
    while (peer_pending) {
        aio_poll(ctx, true);
    }
    loop_teardown();
}

static void peer_ended(void *opaque, int ret)
{
    PeerRequest *request = opaque;

    ASSERT_FALSE(request->ended);
    request->ended = true;
    request->ret = ret;
    peer_pending--;
}

static inline void peer_start(PeerRequest *request, int type, void *buffer, size_t length, int64_t offset)
{
    /* In three ranges, one of which may be empty. */
    size_t first = length / 3, second = length > 8 ? 5 : 0;

    if (length) {
        request->iov[0] = (struct iovec){ buffer, first };
        request->iov[1] = (struct iovec){ (char *)buffer + first, second };
        request->iov[2] = (struct iovec){ (char *)buffer + first + second, length - first - second };
    }
    request->op = (RawAioOp){ .engine = AIO_ENGINE_NBD, .type = type, .fd = peer.client, .iov = request->iov,
                              .niov = length ? 3 : 0, .offset = offset };
    request->ended = false;
    peer_pending++;
    request->acb = raw_aio_submit(ctx, &request->op, peer_ended, request);
    ASSERT_TRUE(request->acb);
}

static inline int peer_await(PeerRequest *request)
{
    while (!request->ended) {
        aio_poll(ctx, true);
    }
    return request->ret;
}

/* Waits until the server has got so many requests since the beginning. */
static inline void peer_await_asked(unsigned count)
{
    while (peer.count < count) {
        aio_poll(ctx, true);
    }
}

/* A request that has a length without data; memory is for extents. */
static inline void peer_start_range(PeerRequest *request, int type, int flags, int64_t offset, int64_t bytes, void *memory, size_t size)
{
    request->iov[0] = (struct iovec){ memory, size };
    request->op = (RawAioOp){ .engine = AIO_ENGINE_NBD, .type = type, .fd = peer.client, .iov = request->iov, .niov = memory ? 1 : 0,
                              .offset = offset, .bytes = bytes, .flags = flags };
    request->ended = false;
    peer_pending++;
    request->acb = raw_aio_submit(ctx, &request->op, peer_ended, request);
    ASSERT_TRUE(request->acb);
}

static inline int peer_range(int type, int flags, int64_t offset, int64_t bytes)
{
    PeerRequest request;

    peer_start_range(&request, type, flags, offset, bytes, NULL, 0);
    return peer_await(&request);
}

/* The request number i that the server has got. */
static inline void peer_assert_asked(unsigned i, uint16_t type, uint16_t flags, uint64_t offset, uint32_t length)
{
    ASSERT_INT_LT(i, peer.count);
    ASSERT_INT_EQ(peer.asked[i].type, type);
    ASSERT_INT_EQ(peer.asked[i].flags, flags);
    ASSERT_INT_EQ(peer.asked[i].offset, offset);
    ASSERT_INT_EQ(peer.asked[i].length, length);
}

static inline int peer_do(int type, void *buffer, size_t length, int64_t offset)
{
    PeerRequest request;

    peer_start(&request, type, buffer, length, offset);
    return peer_await(&request);
}

#endif

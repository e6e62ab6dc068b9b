/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_NBD_PROTOCOL_H
#define BLOCK_NBD_PROTOCOL_H
/* The numbers of the NBD protocol, and its byte order (the network's). */
#include "qemu/osdep.h"

#define NBD_MAGIC UINT64_C(0x4e42444d41474943)             /* NBDMAGIC */
#define NBD_OPTION_MAGIC UINT64_C(0x49484156454F5054)      /* IHAVEOPT */
#define NBD_OLD_STYLE_MAGIC UINT64_C(0x0000420281861253)
#define NBD_OPTION_REPLY_MAGIC UINT64_C(0x0003e889045565a9)
#define NBD_REQUEST_MAGIC 0x25609513u
#define NBD_SIMPLE_REPLY_MAGIC 0x67446698u
#define NBD_STRUCTURED_REPLY_MAGIC 0x668e33efu

/* Flags of the handshake: the server's, which are the client's answer too. */
enum { NBD_FIXED_NEWSTYLE = 1, NBD_NO_ZEROES = 2 };

enum {
    NBD_OPT_EXPORT_NAME = 1,
    NBD_OPT_ABORT = 2,
    NBD_OPT_STARTTLS = 5,
    NBD_OPT_GO = 7,
    NBD_OPT_STRUCTURED_REPLY = 8,
    NBD_OPT_SET_META_CONTEXT = 10,
};

#define NBD_REP_ERROR 0x80000000u
enum { NBD_REP_ACK = 1, NBD_REP_INFO = 3, NBD_REP_META_CONTEXT = 4 };
#define NBD_REP_ERR_UNSUP (NBD_REP_ERROR + 1)
#define NBD_REP_ERR_POLICY (NBD_REP_ERROR + 2)
#define NBD_REP_ERR_TLS_REQD (NBD_REP_ERROR + 5)
#define NBD_REP_ERR_UNKNOWN (NBD_REP_ERROR + 6)
#define NBD_REP_ERR_SHUTDOWN (NBD_REP_ERROR + 7)

enum { NBD_INFO_EXPORT = 0, NBD_INFO_BLOCK_SIZE = 3 };

/* Flags of an export. */
enum {
    NBD_FLAG_HAS_FLAGS = 1 << 0,
    NBD_FLAG_READ_ONLY = 1 << 1,
    NBD_FLAG_SEND_FLUSH = 1 << 2,
    NBD_FLAG_SEND_FUA = 1 << 3,
    NBD_FLAG_SEND_TRIM = 1 << 5,
    NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6,
    NBD_FLAG_CAN_MULTI_CONN = 1 << 8,
};

enum {
    NBD_CMD_READ = 0,
    NBD_CMD_WRITE = 1,
    NBD_CMD_DISC = 2,
    NBD_CMD_FLUSH = 3,
    NBD_CMD_TRIM = 4,
    NBD_CMD_WRITE_ZEROES = 6,
    NBD_CMD_BLOCK_STATUS = 7,
};
enum { NBD_CMD_FLAG_FUA = 1 << 0, NBD_CMD_FLAG_NO_HOLE = 1 << 1 };

#define NBD_BASE_ALLOCATION "base:allocation"
/* Flags of an extent in this context. */
enum { NBD_STATE_HOLE = 1, NBD_STATE_ZERO = 2 };

enum { NBD_REPLY_FLAG_DONE = 1 };
enum { NBD_REPLY_NONE = 0, NBD_REPLY_DATA = 1, NBD_REPLY_HOLE = 2, NBD_REPLY_BLOCK_STATUS = 5, NBD_REPLY_ERROR = 0x8000 };

enum { NBD_REQUEST_BYTES = 28, NBD_SIMPLE_BYTES = 16, NBD_CHUNK_BYTES = 20, NBD_OPTION_BYTES = 16, NBD_EXTENT_BYTES = 8 };

/* Not inlined: unrolled, the many uses would take a tenth of the client's code. */
#define NBD_SMALL __attribute__((noinline, unused)) static

/* Returns the number of so many bytes. */
NBD_SMALL uint64_t nbd_get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    while (bytes--) {
        value = value << 8 | *at++;
    }
    return value;
}

/* Stores a number in so many bytes, and returns where the next one goes. */
NBD_SMALL uint8_t *nbd_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0; value >>= 8) {
        at[i] = (uint8_t)value;
    }
    return at + bytes;
}

#endif

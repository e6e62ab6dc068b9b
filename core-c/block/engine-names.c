/* SPDX-License-Identifier: MIT */
/* The names of the engines, as command lines and TypeScript use them. */
#include "block/raw-aio.h"
#include <string.h>

static const char *const names[] = { "threads", "native", "io_uring", "sync", "nbd" };

const char *aio_engine_name(AioEngine engine)
{
    return names[engine];
}

bool aio_engine_by_name(const char *name, AioEngine *engine)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *engine = (AioEngine)i;
            return true;
        }
    }
    return false;
}

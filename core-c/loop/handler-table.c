/* SPDX-License-Identifier: MIT */
/*
 * A table of a context's handlers by fd: finding one takes the same time however many
 * there are. The table grows by doubling. A reader without the lock may still be using an
 * old table, so old tables are kept until the context is freed; together they are no
 * larger than the newest.
 */
#include "loop/loop.h"
#include <string.h>

typedef struct FdTable {
    struct FdTable *older;
    AioHandler *handlers[];
} FdTable;

static FdTable *table_of(AioHandler **handlers)
{
    return container_of(handlers, FdTable, handlers[0]);
}

/* Called with list_lock held. */
static void use_table(AioContext *ctx, FdTable *table, unsigned size)
{
    if (ctx->fd_table_size) {
        memcpy(table->handlers, ctx->handler_by_fd,
               ctx->fd_table_size * sizeof(AioHandler *));
        table->older = table_of(ctx->handler_by_fd);
    }
    /* In this order, a reader that sees the new size also sees the new table. */
    qatomic_store_release(&ctx->handler_by_fd, table->handlers);
    qatomic_store_release(&ctx->fd_table_size, size);
}

bool aio_handler_table_reserve(AioContext *ctx, int fd)
{
    size_t size = MAX(64, 2 * (size_t)qatomic_read(&ctx->fd_table_size));
    FdTable *table;

    if ((unsigned)fd < qatomic_read(&ctx->fd_table_size)) {
        return true;
    }
    while (size <= (unsigned)fd) {
        size *= 2;
    }
    table = calloc(1, sizeof(*table) + size * sizeof(AioHandler *));
    if (!table) {
        return false;
    }
    qemu_lockcnt_lock(&ctx->list_lock);
    if (size > ctx->fd_table_size) {
        use_table(ctx, table, (unsigned)size);
        table = NULL;
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    free(table);               /* another thread was faster */
    return true;
}

AioHandler *aio_find_handler(AioContext *ctx, int fd)
{
    if ((unsigned)fd >= qatomic_load_acquire(&ctx->fd_table_size)) {
        return NULL;
    }
    return qatomic_load_acquire(
        &qatomic_load_acquire(&ctx->handler_by_fd)[fd]);
}

void aio_handler_table_free(AioContext *ctx)
{
    FdTable *table = ctx->fd_table_size ? table_of(ctx->handler_by_fd) : NULL;

    while (table) {
        FdTable *older = table->older;
        free(table);
        table = older;
    }
    ctx->fd_table_size = 0;
    ctx->handler_by_fd = NULL;
}

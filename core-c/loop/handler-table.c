/* SPDX-License-Identifier: MIT */
/*
 * A table of a context's handlers by fd: finding one takes the same time however many
 * there are. It has two levels, because a context may have few fds with large numbers. The
 * upper level grows by doubling. A reader without the lock may still be using an old
 * one, so old ones are kept until the context is freed; together they are no larger than
 * the newest.
 */
#include "loop/loop.h"
#include <string.h>

enum { FIRST_SIZE = 8 };

/* Returns a table with room for chunk `which`, or NULL if there is no memory. */
static AioFdTable *larger_table(unsigned size, unsigned which)
{
    AioFdTable *table;

    size = MAX(2 * size, (unsigned)FIRST_SIZE);
    while (size <= which) {
        size *= 2;
    }
    table = calloc(1, sizeof(*table) + size * sizeof(*table->chunks));
    if (table) {
        table->size = size;
    }
    return table;
}

/* Called with list_lock held. */
static void use_table(AioContext *ctx, AioFdTable *table)
{
    AioFdTable *older = ctx->fd_table;

    if (older) {
        memcpy(table->chunks, older->chunks, older->size * sizeof(*older->chunks));
        table->older = older;
    }
    qatomic_store_release(&ctx->fd_table, table);
}

bool aio_handler_table_reserve(AioContext *ctx, int fd)
{
    unsigned which = (unsigned)fd / AIO_FD_CHUNK, size;
    AioFdTable *table = qatomic_load_acquire(&ctx->fd_table);
    AioHandler **chunk;

    if (aio_handler_place(ctx, fd)) {
        return true;
    }
    size = table ? table->size : 0;
    table = which < size ? NULL : larger_table(size, which);
    chunk = calloc(AIO_FD_CHUNK, sizeof(*chunk));
    if (!chunk || (which >= size && !table)) {
        free(table);
        free(chunk);
        return false;
    }
    qemu_lockcnt_lock(&ctx->list_lock);
    if (table && (!ctx->fd_table || ctx->fd_table->size < table->size)) {
        use_table(ctx, table);
        table = NULL;
    }
    if (!ctx->fd_table->chunks[which]) {
        qatomic_store_release(&ctx->fd_table->chunks[which], chunk);
        chunk = NULL;
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    /* Not used if another thread was faster. */
    free(table);
    free(chunk);
    return true;
}

void aio_handler_table_free(AioContext *ctx)
{
    AioFdTable *table = ctx->fd_table;

    for (unsigned i = 0; table && i < table->size; i++) {
        free(table->chunks[i]);
    }
    while (table) {
        AioFdTable *older = table->older;
        free(table);
        table = older;
    }
    ctx->fd_table = NULL;
}

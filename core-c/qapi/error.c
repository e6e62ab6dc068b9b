/* SPDX-License-Identifier: MIT */
#include "qapi/error.h"

#include "port/port.h"
#include "qapi/errno.h"

struct Error {
    char *message;
    int os_errno;              /* 0: none */
};

/* Used if there is no memory to describe an error. Never freed. */
static char no_memory_message[] = "out of memory";
static Error no_memory = { no_memory_message, ENOMEM };

/* Only the addresses of these two matter. */
Error *error_abort;
Error *error_fatal;

/* Returns the message, which the caller frees, or NULL if there is no
 * memory. */
static char *format_message(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *message = length < 0 ? NULL : malloc((size_t)length + 1);
    if (message) {
        vsnprintf(message, (size_t)length + 1, fmt, args);
    }
    return message;
}

/* Takes over message. Returns no_memory if message is NULL, or there is no
 * memory. */
static Error *error_new(char *message, int os_errno)
{
    Error *err = message ? malloc(sizeof(*err)) : NULL;

    if (!err) {
        free(message);
        return &no_memory;
    }
    *err = (Error){ message, os_errno };
    return err;
}

/* Passes err, which it takes over, to errp. */
static void deliver(Error **errp, Error *err)
{
    if (errp == &error_abort) {
        port_panic("%s", err->message);
    }
    if (errp == &error_fatal) {
        fprintf(stderr, "%s\n", err->message);
        error_free(err);
        exit(1);
    }
    if (*errp) {
        port_panic("error_setg: \"%s\" would overwrite the earlier error \"%s\": report or "
                   "free that one first", err->message,
                   (*errp)->message);
    }
    *errp = err;
}

/* Returns "message: reason", or message unchanged if there is no memory. */
static char *add_reason(char *message, int os_errno)
{
    const char *reason = strerror(os_errno);
    char *longer = realloc(message, strlen(message) + strlen(reason) + 3);

    return longer ? strcat(strcat(longer, ": "), reason) : message;
}

/* Does not change errno. */
static void set(Error **errp, int os_errno, const char *fmt, va_list args)
{
    int saved_errno = errno;
    char *message = format_message(fmt, args);

    if (message && os_errno) {
        message = add_reason(message, os_errno);
    }
    deliver(errp, error_new(message, os_errno));
    errno = saved_errno;
}

void error_setg(Error **errp, const char *fmt, ...)
{
    va_list args;

    if (errp) {
        va_start(args, fmt);
        set(errp, 0, fmt, args);
        va_end(args);
    }
}

void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
{
    va_list args;

    if (errp) {
        va_start(args, fmt);
        set(errp, os_errno, fmt, args);
        va_end(args);
    }
}

void error_propagate(Error **dst_errp, Error *local_err)
{
    if (!local_err) {
        return;
    }
    /* Of two errors, the first one is reported. */
    bool told = dst_errp == &error_abort || dst_errp == &error_fatal ||
                (dst_errp && !*dst_errp);
    if (told) {
        deliver(dst_errp, local_err);
    } else {
        error_free(local_err);
    }
}

const char *error_get_pretty(const Error *err)
{
    return err->message;
}

int error_get_errno(const Error *err)
{
    return err->os_errno;
}

void error_free(Error *err)
{
    if (err && err != &no_memory) {
        free(err->message);
        free(err);
    }
}

void error_report(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *message = format_message(fmt, args);
    va_end(args);
    /* Printed by one call, so that lines of several threads do not mix. If
     * there is no memory, prints the unformatted text. */
    fprintf(stderr, "%s\n", message ? message : fmt);
    free(message);
}

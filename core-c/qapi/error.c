/* SPDX-License-Identifier: MIT */
#include "qapi/error.h"

#include "port/port.h"

struct Error {
    char *message;
};

/* Only their addresses matter. */
Error *error_abort;
Error *error_fatal;

/* The caller frees; never NULL. */
static char *format_message(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *message = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!message) {
        port_panic("no memory for an error message: %s", fmt);
    }
    vsnprintf(message, (size_t)length + 1, fmt, args);
    return message;
}

/* Takes over message. */
static void deliver(Error **errp, char *message)
{
    if (errp == &error_abort) {
        port_panic("%s", message);
    }
    if (errp == &error_fatal) {
        fprintf(stderr, "%s\n", message);
        exit(1);
    }
    if (*errp) {
        port_panic("error \"%s\" over an earlier one: \"%s\"", message,
                   (*errp)->message);
    }
    Error *err = malloc(sizeof(*err));
    if (!err) {
        port_panic("no memory for an error: %s", message);
    }
    err->message = message;
    *errp = err;
}

void error_setg(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;

    if (!errp) {
        return;
    }
    va_start(args, fmt);
    char *message = format_message(fmt, args);
    va_end(args);
    deliver(errp, message);
    errno = saved_errno;
}

void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list args;

    if (!errp) {
        return;
    }
    va_start(args, fmt);
    char *message = format_message(fmt, args);
    va_end(args);
    if (os_errno) {
        const char *reason = strerror(os_errno);
        size_t size = strlen(message) + strlen(reason) + 3;
        char *longer = realloc(message, size);
        if (!longer) {
            port_panic("no memory for an error message: %s", message);
        }
        strcat(strcat(longer, ": "), reason);
        message = longer;
    }
    deliver(errp, message);
    errno = saved_errno;
}

void error_propagate(Error **dst_errp, Error *local_err)
{
    if (!local_err) {
        return;
    }
    /* The first of two errors is the one that is told. */
    bool told = dst_errp == &error_abort || dst_errp == &error_fatal ||
                (dst_errp && !*dst_errp);
    if (told) {
        deliver(dst_errp, local_err->message);
        free(local_err);
    } else {
        error_free(local_err);
    }
}

const char *error_get_pretty(const Error *err)
{
    return err->message;
}

void error_free(Error *err)
{
    if (err) {
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
    /* One call, so that lines of several threads do not mix. */
    fprintf(stderr, "%s\n", message);
    free(message);
}

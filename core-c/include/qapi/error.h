/* SPDX-License-Identifier: MIT */
#ifndef QAPI_ERROR_H
#define QAPI_ERROR_H
/*
 * Errors as objects. A function that can fail takes `Error **errp`. NULL ignores
 * the error; &error_abort and &error_fatal end the program with its message;
 * otherwise *errp must be NULL, receives the error, and the caller frees it. An
 * Error belongs to one thread at a time; the functions may be called in any
 * thread.
 */
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As errp: an error panics, for errors that only a bug in the program can
 * cause. */
extern Error *error_abort;
/* As errp: an error is printed on stderr and ends the program with exit code
 * 1. */
extern Error *error_fatal;

/* Reports an error with a message formatted like printf's. errno does not change.
 * Panics if *errp holds an error already. */
void error_setg(Error **errp, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Reports an error as error_setg() does, and appends ": " and strerror(os_errno)
 * to the message. */
void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Passes local_err (or NULL) on to the caller's dst_errp, and takes it over: it
 * is freed if dst_errp is NULL or holds an error already. */
void error_propagate(Error **dst_errp, Error *local_err);
/* Returns the error's message, which lives as long as the error. */
const char *error_get_pretty(const Error *err);
/* Frees an error, or does nothing for NULL. */
void error_free(Error *err);
/* Prints a message formatted like printf's, and a newline, on stderr. */
void error_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif

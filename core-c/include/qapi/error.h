/* SPDX-License-Identifier: MIT */
#ifndef QAPI_ERROR_H
#define QAPI_ERROR_H
/*
 * Errors as objects. A function that can fail takes `Error **errp`: NULL
 * ignores the error, &error_abort and &error_fatal end the program with its
 * message, else *errp (which must be NULL) receives it and the caller frees it.
 */
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

extern Error *error_abort;
extern Error *error_fatal;

void error_setg(Error **errp, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Appends ": " and strerror(os_errno). */
void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Hands local_err (may be NULL) on to dst_errp; frees it when nobody takes it. */
void error_propagate(Error **dst_errp, Error *local_err);
const char *error_get_pretty(const Error *err);
void error_free(Error *err);
/* Prints the message and a newline on stderr. */
void error_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif

#endif

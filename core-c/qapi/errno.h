/* SPDX-License-Identifier: MIT */
#ifndef QAPI_ERRNO_H
#define QAPI_ERRNO_H
/* The errno of an Error. */
#include "qapi/error.h"

/* Returns the errno that error_setg_errno() was given, or 0 if there was none;
 * ENOMEM if there was no memory for the error itself. */
int error_get_errno(const Error *err);

#endif

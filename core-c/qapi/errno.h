/* SPDX-License-Identifier: MIT */
#ifndef QAPI_ERRNO_H
#define QAPI_ERRNO_H
/* What an Error remembers beside its message. */
#include "qapi/error.h"

/* The errno that error_setg_errno was given, 0 if there was none. ENOMEM also when
 * there was no memory for the error itself. */
int error_get_errno(const Error *err);

#endif

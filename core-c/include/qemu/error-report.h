/* SPDX-License-Identifier: MIT */
#ifndef QEMU_ERROR_REPORT_H
#define QEMU_ERROR_REPORT_H
#include "qapi/error.h"
#endif

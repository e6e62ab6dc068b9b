/* SPDX-License-Identifier: MIT */
#ifndef QEMU_SOCKETS_H
#define QEMU_SOCKETS_H
#include "qapi/error.h"
#endif

/* SPDX-License-Identifier: MIT */
#ifndef PORT_COUNTER_H
#define PORT_COUNTER_H
/*
 * Where counters of 32 bits start that wrap around in the life of a program: tickets, sequences, serial numbers, positions in rings.
 * Tests start them shortly before they wrap, so that what happens after weeks happens at once: the simulator in one run of ten, and a
 * build of the C tests (make test-c; its name ends in -wrap) in which the files that include this are compiled anew.
 */
#ifndef AIO_COUNTER_START
#define AIO_COUNTER_START 0u
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* Linked before the simulated program: its variables begin here. WebAssembly's linker puts those of each object behind the last one's. */
char __start_simdata[64] = { 1 };
char __start_simbss[64];

/* SPDX-License-Identifier: MIT */
/* Linked behind the simulated program: its variables end here. */
char __stop_simdata[64] = { 1 };
char __stop_simbss[64];

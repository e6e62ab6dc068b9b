/* SPDX-License-Identifier: MIT */
#ifndef QEMU_RCU_H
#define QEMU_RCU_H
/* The loop does not use RCU: these do nothing. */
static inline void rcu_register_thread(void) {}
static inline void rcu_unregister_thread(void) {}
#endif

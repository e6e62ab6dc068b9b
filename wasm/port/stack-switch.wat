;; SPDX-License-Identifier: MIT
;; The C stack that this instance is on: its pointer and the limits that the stack check
;; compares it with, changed at once. Joined to the module after the stack check was
;; added, so that this write of the pointer is not checked against the limits of the
;; stack that is left.
(module
  (import "env" "__stack_pointer" (global $pointer (mut i32)))
  (import "env" "__set_stack_limits" (func $set_limits (param i32 i32)))
  (global $own_highest (mut i32) (i32.const 0))
  (global $own_lowest (mut i32) (i32.const 0))

  ;; JavaScript: the thread's own stack, empty.
  (func (export "stack_own") (param $highest i32) (param $lowest i32)
    (global.set $own_highest (local.get $highest))
    (global.set $own_lowest (local.get $lowest))
    (call $set_limits (local.get $highest) (local.get $lowest))
    (global.set $pointer (local.get $highest)))

  ;; To a coroutine's.
  (func (export "stack_switch") (param $p i32) (param $highest i32) (param $lowest i32)
    (call $set_limits (local.get $highest) (local.get $lowest))
    (global.set $pointer (local.get $p)))

  ;; Back to the thread's own.
  (func (export "stack_back") (param $p i32)
    (call $set_limits (global.get $own_highest) (global.get $own_lowest))
    (global.set $pointer (local.get $p))))

;; SPDX-License-Identifier: MIT
;; To another C stack: its pointer and the limits that the stack check compares it
;; with, at once. Joined to the module after the stack check was added, so that
;; this write of the pointer is not checked against the limits of the stack that is left.
(module
  (import "env" "__stack_pointer" (global $sp (mut i32)))
  (import "env" "__set_stack_limits" (func $set_limits (param i32 i32)))
  (func (export "switch_stack") (param $pointer i32) (param $highest i32) (param $lowest i32)
    (call $set_limits (local.get $highest) (local.get $lowest))
    (global.set $sp (local.get $pointer))))

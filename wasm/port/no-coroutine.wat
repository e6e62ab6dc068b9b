;; SPDX-License-Identifier: MIT
;; What switching coroutines imports of Asyncify, for a program in which no coroutine ever yields: Asyncify
;; does not run over it then, and these functions are not called.
(module
  (func (export "start_rewind") (param i32) (unreachable))
  (func (export "stop_unwind") (unreachable)))

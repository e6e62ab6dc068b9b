/* SPDX-License-Identifier: MIT */
#ifndef AIO_WASM_PRIVATE_NAMES_H
#define AIO_WASM_PRIVATE_NAMES_H
/*
 * The private names of what exists in WebAssembly only; core-c/private-names.h has the
 * others. A function that TypeScript calls keeps its name as an export (WASM_EXPORT);
 * this is the name for the linker.
 */

/* What JavaScript provides (WASM_IMPORT and the like) */
#define asyncify_start_rewind aio_priv_asyncify_start_rewind
#define asyncify_start_unwind aio_priv_asyncify_start_unwind
#define asyncify_stop_rewind aio_priv_asyncify_stop_rewind
#define asyncify_stop_unwind aio_priv_asyncify_stop_unwind
#define host_callback aio_priv_host_callback
#define host_clock_ns aio_priv_host_clock_ns
#define host_complete aio_priv_host_complete
#define host_fd_call aio_priv_host_fd_call
#define host_fd_revents aio_priv_host_fd_revents
#define host_fd_watch aio_priv_host_fd_watch
#define host_fdatasync aio_priv_host_fdatasync
#define host_leave aio_priv_host_leave
#define host_pread aio_priv_host_pread
#define host_preadv aio_priv_host_preadv
#define host_pwrite aio_priv_host_pwrite
#define host_pwritev aio_priv_host_pwritev
#define host_raise aio_priv_host_raise
#define host_start_worker aio_priv_host_start_worker
#define start_shape aio_priv_start_shape
#define wasi_args_get aio_priv_wasi_args_get
#define wasi_args_sizes_get aio_priv_wasi_args_sizes_get
#define wasi_fd_close aio_priv_wasi_fd_close
#define wasi_fd_pread aio_priv_wasi_fd_pread
#define wasi_fd_read aio_priv_wasi_fd_read
#define wasi_fd_write aio_priv_wasi_fd_write
#define wasi_sock_accept aio_priv_wasi_sock_accept
#define wasm_stack_back aio_priv_wasm_stack_back
#define wasm_stack_switch aio_priv_wasm_stack_switch

/* libc/epoll-set.c */
#define epoll_set_add aio_priv_epoll_set_add
#define epoll_set_arm aio_priv_epoll_set_arm
#define epoll_set_get aio_priv_epoll_set_get
#define epoll_set_is aio_priv_epoll_set_is
#define epoll_set_remove aio_priv_epoll_set_remove

/* libc/fd-calls.c */
#define fd_nonblock aio_priv_fd_nonblock
#define fd_own_fcntl aio_priv_fd_own_fcntl
#define fd_set_cloexec aio_priv_fd_set_cloexec

/* libc/heap.c */
#define aligned_alloc aio_priv_aligned_alloc
#define calloc aio_priv_calloc
#define free aio_priv_free
#define malloc aio_priv_malloc
#define memalign aio_priv_memalign
#define posix_memalign aio_priv_posix_memalign
#define realloc aio_priv_realloc
#define rt_free aio_priv_rt_free
#define rt_malloc aio_priv_rt_malloc

/* libc/locks.c */
#define lock_fcntl aio_priv_lock_fcntl
#define lock_flock aio_priv_lock_flock

/* libc/main.c */
#define aio_call_main aio_priv_aio_call_main

/* libc/read.c */
#define wasi_is_directory aio_priv_wasi_is_directory
#define wasi_read_error aio_priv_wasi_read_error

/* libc/mode.c */
#define wasi_prepare_mode aio_priv_wasi_prepare_mode

/* libc/path.c */
#define wasi_names_fd aio_priv_wasi_names_fd
#define wasi_path aio_priv_wasi_path

/* libc/pthread-key.c */
#define pthread_destroy_values aio_priv_pthread_destroy_values

/* libc/stdio-lock.c */
#define wasm_unlock_after_exit aio_priv_wasm_unlock_after_exit

/* libc/stdout.c */
#define stdout_begin aio_priv_stdout_begin

/* libc/unsupported.c */
#define setjmp_undeclared aio_priv_setjmp_undeclared

/* port/coroutine.c */
#define wasm_coroutine_stack_size aio_priv_wasm_coroutine_stack_size
#define wasm_get_stack_pointer aio_priv_wasm_get_stack_pointer

/* port/fd-table.c, fd-own.c, fd-poll.c */
#define fd_chunks aio_priv_fd_chunks
#define fd_free aio_priv_fd_free
#define fd_get aio_priv_fd_get
#define fd_lock_table aio_priv_fd_lock_table
#define fd_make aio_priv_fd_make
#define fd_own_revents aio_priv_fd_own_revents
#define fd_unlock_table aio_priv_fd_unlock_table
#define fd_wake aio_priv_fd_wake
#define wasm_fd_alias aio_priv_wasm_fd_alias
#define wasm_fd_closing aio_priv_wasm_fd_closing
#define wasm_fd_dup aio_priv_wasm_fd_dup
#define wasm_fd_hooks aio_priv_wasm_fd_hooks
#define wasm_fd_is_timed aio_priv_wasm_fd_is_timed
#define wasm_fd_poll aio_priv_wasm_fd_poll
#define wasm_own_get aio_priv_wasm_own_get
#define wasm_own_open aio_priv_wasm_own_open
#define wasm_own_put aio_priv_wasm_own_put
#define wasm_own_ref aio_priv_wasm_own_ref
#define wasm_own_sleep aio_priv_wasm_own_sleep
#define wasm_own_wake aio_priv_wasm_own_wake
#define wasm_until_timer aio_priv_wasm_until_timer
#define wasm_watcher_new aio_priv_wasm_watcher_new
#define wasm_poll_ring_ready aio_priv_wasm_poll_ring_ready
#define wasm_event_arm aio_priv_wasm_event_arm
#define wasm_event_sleep aio_priv_wasm_event_sleep
#define wasm_event_word aio_priv_wasm_event_word
#define wasm_fd_ready aio_priv_wasm_fd_ready
#define wasm_fd_revents aio_priv_wasm_fd_revents
#define wasm_fds_look_again aio_priv_wasm_fds_look_again
#define wasm_next_loop aio_priv_wasm_next_loop
#define wasm_next_watched aio_priv_wasm_next_watched

/* port/futex.c */
#define port_notify32 aio_priv_port_notify32
#define port_wait32 aio_priv_port_wait32

/* port/lost.c */
#define wasm_holds_attach aio_priv_wasm_holds_attach
#define wasm_thread_holds aio_priv_wasm_thread_holds

/* port/libc-first.c */
#define wasm_libc_first aio_priv_wasm_libc_first

/* port/panic.c */
#define wasm_failed aio_priv_wasm_failed

/* port/poll-ring.c */
#define wasm_poll_complete aio_priv_wasm_poll_complete

/* port/queue.c */
#define wasm_queue_retire aio_priv_wasm_queue_retire
#define wasm_queue_unref aio_priv_wasm_queue_unref

/* port/server.c */
#define wasm_files_are_owned aio_priv_wasm_files_are_owned
#define wasm_files_generation aio_priv_wasm_files_generation
#define wasm_host_server aio_priv_wasm_host_server
#define wasm_host_server_lost aio_priv_wasm_host_server_lost
#define wasm_host_server_set_lost aio_priv_wasm_host_server_set_lost
#define wasm_queue_end_all aio_priv_wasm_queue_end_all
#define wasm_server_main aio_priv_wasm_server_main
#define wasm_server_ring aio_priv_wasm_server_ring
#define wasm_server_serve aio_priv_wasm_server_serve
#define wasm_server_wait aio_priv_wasm_server_wait


/* port/setjmp.c */
#define setjmp_enter aio_priv_setjmp_enter
#define setjmp_frames aio_priv_setjmp_frames
#define setjmp_landed aio_priv_setjmp_landed
#define setjmp_leave aio_priv_setjmp_leave

/* port/thread.c */
#define wasm_pthread_ends aio_priv_wasm_pthread_ends
#define wasm_thread_become aio_priv_wasm_thread_become
#define wasm_thread_limits aio_priv_wasm_thread_limits
#define wasm_thread_new aio_priv_wasm_thread_new
#define wasm_thread_ask_again aio_priv_wasm_thread_ask_again
#define wasm_thread_assign aio_priv_wasm_thread_assign
#define wasm_main_thread aio_priv_wasm_main_thread
#define wasm_thread_over aio_priv_wasm_thread_over
#define wasm_thread_runs_main aio_priv_wasm_thread_runs_main
#define wasm_thread_refusal aio_priv_wasm_thread_refusal
#define wasm_thread_self aio_priv_wasm_thread_self
#define wasm_threads aio_priv_wasm_threads
#define wasm_tls_align aio_priv_wasm_tls_align
#define wasm_tls_size aio_priv_wasm_tls_size

/* runtime/calls.c */
#define rt_await aio_priv_rt_await
#define rt_calls aio_priv_rt_calls
#define rt_calls_set aio_priv_rt_calls_set
#define rt_is_hosted aio_priv_rt_is_hosted
#define rt_notify_owner aio_priv_rt_notify_owner
#define rt_sleeps_hosted aio_priv_rt_sleeps_hosted

/* runtime/callback.c */
#define rt_bh_new aio_priv_rt_bh_new
#define rt_is_watched aio_priv_rt_is_watched
#define rt_memory_new aio_priv_rt_memory_new
#define rt_notifier_new aio_priv_rt_notifier_new
#define rt_run_callback aio_priv_rt_run_callback
#define rt_timer_arm aio_priv_rt_timer_arm
#define rt_timer_cancel aio_priv_rt_timer_cancel
#define rt_timer_free aio_priv_rt_timer_free
#define rt_timer_new aio_priv_rt_timer_new
#define rt_timer_pending aio_priv_rt_timer_pending
#define rt_timers_abandon aio_priv_rt_timers_abandon
#define rt_watch aio_priv_rt_watch

/* runtime/context.c */
#define rt_context_free aio_priv_rt_context_free
#define rt_context_new aio_priv_rt_context_new
#define rt_each_context aio_priv_rt_each_context

/* runtime/coroutine.c */
#define rt_coroutine_fence aio_priv_rt_coroutine_fence
#define rt_coroutine_name aio_priv_rt_coroutine_name
#define rt_coroutine_running aio_priv_rt_coroutine_running
#define rt_coroutine_stack_size aio_priv_rt_coroutine_stack_size
#define rt_coroutine_start aio_priv_rt_coroutine_start

/* runtime/dump.c */
#define rt_dump aio_priv_rt_dump
#define rt_loops aio_priv_rt_loops

/* runtime/file.c */
#define rt_engine aio_priv_rt_engine
#define rt_engine_setup aio_priv_rt_engine_setup
#define rt_engine_stats aio_priv_rt_engine_stats
#define rt_file_cancel aio_priv_rt_file_cancel
#define rt_file_request aio_priv_rt_file_request
#define rt_file_request_free aio_priv_rt_file_request_free
#define rt_file_request_iov aio_priv_rt_file_request_iov
#define rt_file_request_range aio_priv_rt_file_request_range
#define rt_file_submit aio_priv_rt_file_submit

/* runtime/handle.c */
#define rt_await_begin aio_priv_rt_await_begin
#define rt_await_end aio_priv_rt_await_end
#define handle_free aio_priv_handle_free
#define handle_new aio_priv_handle_new
#define rt_handle_close aio_priv_rt_handle_close
#define rt_handle_enter aio_priv_rt_handle_enter
#define rt_handle_generation aio_priv_rt_handle_generation
#define rt_handle_leave aio_priv_rt_handle_leave
#define rt_handle_signal aio_priv_rt_handle_signal
#define rt_handle_test_and_clear aio_priv_rt_handle_test_and_clear
#define rt_handle_unwatch aio_priv_rt_handle_unwatch
#define rt_handle_watch aio_priv_rt_handle_watch
#define rt_handles_abandon aio_priv_rt_handles_abandon
#define rt_handles_init aio_priv_rt_handles_init
#define rt_handles_open aio_priv_rt_handles_open
#define rt_handles_unwatch aio_priv_rt_handles_unwatch
#define rt_loop_handle aio_priv_rt_loop_handle
#define rt_loop_posted aio_priv_rt_loop_posted

/* runtime/host-io.c */
#define rt_files_are_owned aio_priv_rt_files_are_owned
#define rt_host_has_owned_files aio_priv_rt_host_has_owned_files
#define rt_host_io_lost aio_priv_rt_host_io_lost
#define rt_host_io_none aio_priv_rt_host_io_none
#define rt_host_io_ring aio_priv_rt_host_io_ring
#define rt_host_io_run aio_priv_rt_host_io_run

/* runtime/iothread.c */
#define rt_context_polls aio_priv_rt_context_polls
#define rt_context_stats aio_priv_rt_context_stats
#define rt_error_errno aio_priv_rt_error_errno
#define rt_error_text aio_priv_rt_error_text
#define rt_iothread_context aio_priv_rt_iothread_context
#define rt_iothread_enter aio_priv_rt_iothread_enter
#define rt_iothread_free aio_priv_rt_iothread_free
#define rt_iothread_leave aio_priv_rt_iothread_leave
#define rt_iothread_lost aio_priv_rt_iothread_lost
#define rt_iothread_new aio_priv_rt_iothread_new
#define rt_iothread_query aio_priv_rt_iothread_query
#define rt_iothread_request_stop aio_priv_rt_iothread_request_stop
#define rt_iothread_run aio_priv_rt_iothread_run
#define rt_iothread_running aio_priv_rt_iothread_running
#define rt_iothread_set aio_priv_rt_iothread_set
#define rt_take_error aio_priv_rt_take_error

/* runtime/local.c */
#define rt_local_cancel aio_priv_rt_local_cancel
#define rt_local_new aio_priv_rt_local_new
#define rt_local_plug aio_priv_rt_local_plug
#define rt_local_result aio_priv_rt_local_result
#define rt_local_submit aio_priv_rt_local_submit
#define rt_local_unplug aio_priv_rt_local_unplug

/* runtime/lost.c */
#define rt_thread_free aio_priv_rt_thread_free
#define rt_thread_holds aio_priv_rt_thread_holds
#define rt_thread_lost aio_priv_rt_thread_lost
#define rt_thread_reclaim aio_priv_rt_thread_reclaim
#define rt_thread_refused aio_priv_rt_thread_refused
#define rt_thread_stop aio_priv_rt_thread_stop
#define rt_thread_unserved aio_priv_rt_thread_unserved
#define rt_thread_wake aio_priv_rt_thread_wake
#define rt_wake_all aio_priv_rt_wake_all

/* runtime/main.c */
#define rt_main_start aio_priv_rt_main_start

/* runtime/nbd.c */
#define rt_nbd_connected aio_priv_rt_nbd_connected
#define rt_nbd_export aio_priv_rt_nbd_export
#define rt_nbd_free aio_priv_rt_nbd_free
#define rt_nbd_lost aio_priv_rt_nbd_lost
#define rt_nbd_new aio_priv_rt_nbd_new
#define rt_nbd_readable aio_priv_rt_nbd_readable
#define rt_nbd_why aio_priv_rt_nbd_why
#define rt_nbd_writable aio_priv_rt_nbd_writable

/* runtime/requests.c */
#define rt_complete aio_priv_rt_complete
#define rt_context_requests aio_priv_rt_context_requests
#define rt_request_begin aio_priv_rt_request_begin
#define rt_requests_drop aio_priv_rt_requests_drop
#define rt_requests_in_flight aio_priv_rt_requests_in_flight

/* runtime/runtime.c */
#define rt_failed_word aio_priv_rt_failed_word
#define rt_fd_ready aio_priv_rt_fd_ready
#define rt_hosted_awake aio_priv_rt_hosted_awake
#define rt_hosted_look aio_priv_rt_hosted_look
#define rt_hosted_turn aio_priv_rt_hosted_turn
#define rt_hosted_word aio_priv_rt_hosted_word
#define rt_init aio_priv_rt_init
#define rt_notify aio_priv_rt_notify
#define rt_owner_context aio_priv_rt_owner_context

/* runtime/thread.c */
#define rt_thread_arg aio_priv_rt_thread_arg
#define rt_thread_assign aio_priv_rt_thread_assign
#define rt_thread_assign_once aio_priv_rt_thread_assign_once
#define rt_thread_attach aio_priv_rt_thread_attach
#define rt_thread_attached aio_priv_rt_thread_attached
#define rt_thread_idle aio_priv_rt_thread_idle
#define rt_thread_in_host_io aio_priv_rt_thread_in_host_io
#define rt_thread_name aio_priv_rt_thread_name
#define rt_thread_park aio_priv_rt_thread_park
#define rt_thread_posted aio_priv_rt_thread_posted
#define rt_thread_refusal aio_priv_rt_thread_refusal
#define rt_thread_reserve aio_priv_rt_thread_reserve
#define rt_thread_run aio_priv_rt_thread_run
#define rt_thread_stack_limit aio_priv_rt_thread_stack_limit
#define rt_thread_stack_top aio_priv_rt_thread_stack_top
#define rt_thread_tls aio_priv_rt_thread_tls
#define rt_thread_wants_turn aio_priv_rt_thread_wants_turn
#define rt_threads_init aio_priv_rt_threads_init

/* runtime/trace.c */
#define rt_trace_call aio_priv_rt_trace_call
#define rt_trace_callback aio_priv_rt_trace_callback
#define rt_trace_context_name aio_priv_rt_trace_context_name
#define rt_trace_free aio_priv_rt_trace_free
#define rt_trace_name aio_priv_rt_trace_name
#define rt_trace_read aio_priv_rt_trace_read
#define rt_trace_start aio_priv_rt_trace_start
#define rt_trace_stop aio_priv_rt_trace_stop
#define rt_trace_types aio_priv_rt_trace_types
#define rt_trace_word aio_priv_rt_trace_word

#endif

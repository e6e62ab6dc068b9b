/* SPDX-License-Identifier: MIT */
#ifndef AIO_PRIVATE_NAMES_H
#define AIO_PRIVATE_NAMES_H
/*
 * The global symbols of the library that are in no public header, and the names that
 * the linker sees instead, so that a program may define functions of these names. The
 * Makefile includes this header in each file of the library and of its own tests
 * (-include); users never see it. The names are sorted by the file that declares or
 * defines them; test/api fails for a name that is missing here or no longer needed.
 */

/* block/aio-queue.c */
#define aio_queue_abandon aio_priv_aio_queue_abandon
#define aio_queue_free aio_priv_aio_queue_free
#define aio_queue_get_stats aio_priv_aio_queue_get_stats
#define aio_queue_new aio_priv_aio_queue_new

/* block/aio-queue-submit.c */
#define aio_queue_cancel aio_priv_aio_queue_cancel
#define aio_queue_end aio_priv_aio_queue_end
#define aio_queue_enqueue aio_priv_aio_queue_enqueue
#define aio_queue_plug aio_priv_aio_queue_plug
#define aio_queue_settle aio_priv_aio_queue_settle
#define aio_queue_submit aio_priv_aio_queue_submit
#define aio_queue_submit_ready aio_priv_aio_queue_submit_ready
#define aio_queue_unplug aio_priv_aio_queue_unplug

/* block/aiocb.c */
#define aio_try_get aio_priv_aio_try_get

/* block/context-pool.c */
#define thread_pool_try_get aio_priv_thread_pool_try_get

/* block/engines.c */
#define aio_engine_queue aio_priv_aio_engine_queue
#define nbd_queue_of aio_priv_nbd_queue_of

/* block/nbd-client.c */
#define nbd_client_delete aio_priv_nbd_client_delete
#define nbd_client_get aio_priv_nbd_client_get
#define nbd_client_settle aio_priv_nbd_client_settle

/* block/nbd-connect.c */
#define nbd_client_check aio_priv_nbd_client_check
#define nbd_client_give_up aio_priv_nbd_client_give_up
#define nbd_client_ready aio_priv_nbd_client_ready
#define nbd_client_retry aio_priv_nbd_client_retry
#define nbd_client_wake aio_priv_nbd_client_wake
#define nbd_client_watch aio_priv_nbd_client_watch
#define nbd_connect aio_priv_nbd_connect
#define nbd_fail aio_priv_nbd_fail
#define nbd_lost aio_priv_nbd_lost
#define nbd_take_back aio_priv_nbd_take_back

/* block/nbd-handshake.c */
#define nbd_handshake_secured aio_priv_nbd_handshake_secured
#define nbd_handshake_take aio_priv_nbd_handshake_take
#define nbd_said aio_priv_nbd_said

/* block/nbd-queue.c */
#define nbd_client_run aio_priv_nbd_client_run
#define nbd_op_answered aio_priv_nbd_op_answered
#define nbd_op_end aio_priv_nbd_op_end
#define nbd_op_leave aio_priv_nbd_op_leave
#define nbd_queue_cancel aio_priv_nbd_queue_cancel
#define nbd_queue_free aio_priv_nbd_queue_free
#define nbd_queue_new aio_priv_nbd_queue_new
#define nbd_queue_reap aio_priv_nbd_queue_reap
#define nbd_queue_submit aio_priv_nbd_queue_submit

/* block/nbd-reply.c */
#define nbd_reply_body aio_priv_nbd_reply_body
#define nbd_reply_take aio_priv_nbd_reply_take

/* block/nbd-send.c */
#define nbd_ranges aio_priv_nbd_ranges
#define nbd_send aio_priv_nbd_send

/* block/raw-step.c */
#define raw_aio_complete aio_priv_raw_aio_complete
#define raw_aio_next_zeros aio_priv_raw_aio_next_zeros
#define raw_aio_step aio_priv_raw_aio_step
#define raw_aio_tell aio_priv_raw_aio_tell

/* block/pool-threads.c */
#define thread_pool_destroy aio_priv_thread_pool_destroy
#define thread_pool_end_abandoned aio_priv_thread_pool_end_abandoned
#define thread_pool_new_thread_bh aio_priv_thread_pool_new_thread_bh
#define thread_pool_start_thread aio_priv_thread_pool_start_thread
#define thread_pool_summon aio_priv_thread_pool_summon

/* block/thread-pool.c */
#define thread_pool_abandon aio_priv_thread_pool_abandon
#define thread_pool_try_new aio_priv_thread_pool_try_new
#define thread_pool_try_submit aio_priv_thread_pool_try_submit

/* coroutine/aio-co.c */
#define aio_co_is_scheduled aio_priv_aio_co_is_scheduled
#define coroutine_set_scheduled aio_priv_coroutine_set_scheduled

/* coroutine/co-pool.c */
#define coroutine_pool_give aio_priv_coroutine_pool_give
#define coroutine_pool_take aio_priv_coroutine_pool_take

/* coroutine/coroutine.c */
#define coroutine_name aio_priv_coroutine_name
#define coroutine_refuse aio_priv_coroutine_refuse
#define coroutine_refuse_scheduled aio_priv_coroutine_refuse_scheduled
#define coroutine_running aio_priv_coroutine_running

/* gmain/source.c */
#define gmain_thread_default aio_priv_gmain_thread_default

/* iothread/iothread.c */
#define iothread_abandon aio_priv_iothread_abandon
#define iothread_context aio_priv_iothread_context
#define iothread_enter aio_priv_iothread_enter
#define iothread_free aio_priv_iothread_free
#define iothread_is_running aio_priv_iothread_is_running
#define iothread_iterate aio_priv_iothread_iterate
#define iothread_leave aio_priv_iothread_leave
#define iothread_new aio_priv_iothread_new
#define iothread_reclaim aio_priv_iothread_reclaim
#define iothread_request_stop aio_priv_iothread_request_stop
#define iothread_retire aio_priv_iothread_retire
#define iothread_visit aio_priv_iothread_visit

/* loop/abandon.c */
#define aio_context_abandon aio_priv_aio_context_abandon
#define aio_context_served aio_priv_aio_context_served
#define aio_context_serving aio_priv_aio_context_serving

/* loop/aio-context.c */
#define aio_refuse_foreign_thread aio_priv_aio_refuse_foreign_thread
#define aio_ctx_finalize aio_priv_aio_ctx_finalize
#define aio_is_home_thread aio_priv_aio_is_home_thread

/* loop/bh-pool.c */
#define bh_pool aio_priv_bh_pool
#define bh_pool_give aio_priv_bh_pool_give
#define bh_pool_hook aio_priv_bh_pool_hook
#define bh_pool_refill aio_priv_bh_pool_refill

/* loop/bh.c */
#define aio_bh_delete_abandoned aio_priv_aio_bh_delete_abandoned
#define aio_bh_discard aio_priv_aio_bh_discard
#define aio_bh_try_new aio_priv_aio_bh_try_new
#define bh_init aio_priv_bh_init

/* loop/bh-run.c */
#define aio_bh_drain aio_priv_aio_bh_drain
#define aio_bh_drop aio_priv_aio_bh_drop
#define aio_bh_dump aio_priv_aio_bh_dump
#define aio_bh_poll_for aio_priv_aio_bh_poll_for
#define aio_bh_timeout aio_priv_aio_bh_timeout

/* loop/defer-call.c */
#define defer_call_is_open aio_priv_defer_call_is_open

/* loop/dispatch.c */
#define aio_add_ready_fds aio_priv_aio_add_ready_fds
#define aio_add_poll_ready_handler aio_priv_aio_add_poll_ready_handler
#define aio_add_ready_handler aio_priv_aio_add_ready_handler
#define aio_dispatch_ready_handlers aio_priv_aio_dispatch_ready_handlers
#define aio_sort_ready_handlers aio_priv_aio_sort_ready_handlers

/* loop/dump.c */
#define aio_dump_wait aio_priv_aio_dump_wait

/* loop/fd-handler.c */
#define aio_free_all_handlers aio_priv_aio_free_all_handlers
#define aio_free_deleted_handlers aio_priv_aio_free_deleted_handlers
#define aio_try_set_event_notifier aio_priv_aio_try_set_event_notifier
#define aio_try_set_fd_handler aio_priv_aio_try_set_fd_handler

/* loop/fdmon-io_uring.c */
#define fdmon_io_uring_destroy aio_priv_fdmon_io_uring_destroy
#define fdmon_io_uring_fd aio_priv_fdmon_io_uring_fd
#define fdmon_io_uring_ops aio_priv_fdmon_io_uring_ops
#define fdmon_io_uring_reserve aio_priv_fdmon_io_uring_reserve
#define fdmon_io_uring_setup aio_priv_fdmon_io_uring_setup

/* loop/fdmon-poll.c */
#define fdmon_poll_free_room aio_priv_fdmon_poll_free_room
#define fdmon_poll_has_room aio_priv_fdmon_poll_has_room
#define fdmon_poll_ops aio_priv_fdmon_poll_ops
#define fdmon_poll_reserve aio_priv_fdmon_poll_reserve

/* loop/fdmon-epoll.c */
#define fdmon_epoll_destroy aio_priv_fdmon_epoll_destroy
#define fdmon_epoll_fd aio_priv_fdmon_epoll_fd
#define fdmon_epoll_ops aio_priv_fdmon_epoll_ops
#define fdmon_epoll_upgrade aio_priv_fdmon_epoll_upgrade

/* loop/gsource.c */
#define aio_dispatch_for aio_priv_aio_dispatch_for
#define aio_find_ready aio_priv_aio_find_ready
#define aio_source_funcs aio_priv_aio_source_funcs

/* loop/handler-table.c */
#define aio_handler_table_free aio_priv_aio_handler_table_free
#define aio_handler_table_reserve aio_priv_aio_handler_table_reserve

/* loop/part.c */
#define aio_part_register aio_priv_aio_part_register
#define aio_parts_abandon aio_priv_aio_parts_abandon
#define aio_parts_begin aio_priv_aio_parts_begin
#define aio_parts_dump aio_priv_aio_parts_dump
#define aio_parts_end aio_priv_aio_parts_end
#define aio_parts_have aio_priv_aio_parts_have
#define aio_parts_idle aio_priv_aio_parts_idle
#define aio_parts_size aio_priv_aio_parts_size

/* loop/aio-poll.c */
#define aio_poll_awake aio_priv_aio_poll_awake

/* loop/polling.c */
#define aio_adapt_polling aio_priv_aio_adapt_polling
#define aio_poll_set_started aio_priv_aio_poll_set_started
#define aio_try_poll_mode aio_priv_aio_try_poll_mode

/* loop/retired.c */
#define aio_context_retire aio_priv_aio_context_retire
#define aio_context_take_retired aio_priv_aio_context_take_retired

/* port/port-io.h */
#define port_io_run aio_priv_port_io_run
#define port_queue_abandon aio_priv_port_queue_abandon
#define port_queue_cancel aio_priv_port_queue_cancel
#define port_queue_free aio_priv_port_queue_free
#define port_queue_kicks aio_priv_port_queue_kicks
#define port_queue_new aio_priv_port_queue_new
#define port_queue_ready aio_priv_port_queue_ready
#define port_queue_reap aio_priv_port_queue_reap
#define port_queue_submit aio_priv_port_queue_submit

/* port/port.h */
#define port_clock_ns aio_priv_port_clock_ns
#define port_coroutine_current aio_priv_port_coroutine_current
#define port_coroutine_enter aio_priv_port_coroutine_enter
#define port_coroutine_fits aio_priv_port_coroutine_fits
#define port_coroutine_free aio_priv_port_coroutine_free
#define port_coroutine_new aio_priv_port_coroutine_new
#define port_coroutine_set_size aio_priv_port_coroutine_set_size
#define port_coroutine_yields_to_no_one aio_priv_port_coroutine_yields_to_no_one
#define port_event_clear aio_priv_port_event_clear
#define port_event_close aio_priv_port_event_close
#define port_event_open aio_priv_port_event_open
#define port_event_set aio_priv_port_event_set
#define port_fail aio_priv_port_fail
#define port_fd_poll aio_priv_port_fd_poll
#define port_fd_watch aio_priv_port_fd_watch
#define port_fences_tls aio_priv_port_fences_tls
#define port_futex_wait aio_priv_port_futex_wait
#define port_futex_wake aio_priv_port_futex_wake
#define port_holds_tls aio_priv_port_holds_tls
#define port_may_wait aio_priv_port_may_wait
#define port_panic aio_priv_port_panic
#define port_pause aio_priv_port_pause
#define port_poll_ring_arm aio_priv_port_poll_ring_arm
#define port_poll_ring_fd aio_priv_port_poll_ring_fd
#define port_poll_ring_free aio_priv_port_poll_ring_free
#define port_poll_ring_new aio_priv_port_poll_ring_new
#define port_poll_ring_pending aio_priv_port_poll_ring_pending
#define port_poll_ring_rearm aio_priv_port_poll_ring_rearm
#define port_poll_ring_reserve aio_priv_port_poll_ring_reserve
#define port_poll_ring_wait aio_priv_port_poll_ring_wait
#define port_ready_fd aio_priv_port_ready_fd
#define port_ready_free aio_priv_port_ready_free
#define port_ready_new aio_priv_port_ready_new
#define port_ready_update aio_priv_port_ready_update
#define port_ready_wait aio_priv_port_ready_wait
#define port_spin aio_priv_port_spin
#define port_thread_at_end aio_priv_port_thread_at_end
#define port_thread_counts_in aio_priv_port_thread_counts_in
#define port_thread_exit aio_priv_port_thread_exit
#define port_thread_on_lost aio_priv_port_thread_on_lost
#define port_thread_park aio_priv_port_thread_park
#define port_thread_start aio_priv_port_thread_start
#define port_thread_when_gone aio_priv_port_thread_when_gone
#define port_watcher_free aio_priv_port_watcher_free
#define port_watcher_new aio_priv_port_watcher_new
#define port_watcher_place aio_priv_port_watcher_place
#define port_watcher_ready aio_priv_port_watcher_ready
#define port_would_block aio_priv_port_would_block

/* port/posix/aio.c */
#define posix_aio_new aio_priv_posix_aio_new

/* port/posix/clock.c */
#define posix_timeout aio_priv_posix_timeout

/* port/posix/uring.c */
#define posix_uring_new aio_priv_posix_uring_new
#define uring_close aio_priv_uring_close
#define uring_enter aio_priv_uring_enter
#define uring_has_cqe aio_priv_uring_has_cqe
#define uring_open aio_priv_uring_open
#define uring_sqe aio_priv_uring_sqe
#define uring_take_cqe aio_priv_uring_take_cqe

/* qapi/error.c */
#define error_get_errno aio_priv_error_get_errno

/* sync/semaphore.c */
#define semaphore_take_until aio_priv_semaphore_take_until
#define semaphore_try_post aio_priv_semaphore_try_post
#define semaphore_try_take aio_priv_semaphore_try_take

/* sync/thread.c */
#define thread_at_exit aio_priv_thread_at_exit
#define thread_on_lost aio_priv_thread_on_lost
#define thread_run_exit_hooks aio_priv_thread_run_exit_hooks
#define thread_self aio_priv_thread_self
#define thread_start_detached aio_priv_thread_start_detached

/* sync/trace.c */
#define trace_on aio_priv_trace_on
#define trace_set_context aio_priv_trace_set_context
#define trace_write aio_priv_trace_write

/* sync/trace-ring.c */
#define trace_ring_begin aio_priv_trace_ring_begin
#define trace_ring_next aio_priv_trace_ring_next
#define trace_ring_publish aio_priv_trace_ring_publish
#define trace_ring_read aio_priv_trace_ring_read

/* sync/wakeup.c */
#define wakeup_free aio_priv_wakeup_free
#define wakeup_new aio_priv_wakeup_new
#define wakeup_notify_traced aio_priv_wakeup_notify_traced

/* time/budget.c */
#define aio_budget_look aio_priv_aio_budget_look

/* time/clock.c */
#define clock_add_list aio_priv_clock_add_list
#define clock_begin_run aio_priv_clock_begin_run
#define clock_end_run aio_priv_clock_end_run
#define clock_disable aio_priv_clock_disable
#define clock_each_list aio_priv_clock_each_list
#define clock_enable aio_priv_clock_enable
#define clock_is_enabled aio_priv_clock_is_enabled
#define clock_remove_list aio_priv_clock_remove_list
#define clocks_try_init aio_priv_clocks_try_init

/* time/heap-sort.c */
#define timer_sort aio_priv_timer_sort

/* time/heap.c */
#define heap_collect aio_priv_heap_collect
#define heap_first_is_since aio_priv_heap_first_is_since
#define heap_grow aio_priv_heap_grow
#define heap_init aio_priv_heap_init
#define heap_insert aio_priv_heap_insert
#define heap_memory_free aio_priv_heap_memory_free
#define heap_memory_new aio_priv_heap_memory_new
#define heap_move aio_priv_heap_move
#define heap_remove aio_priv_heap_remove
#define heap_remove_first aio_priv_heap_remove_first
#define heap_remove_last aio_priv_heap_remove_last

/* time/timer-list.c */
#define timerlist_try_new aio_priv_timerlist_try_new
#define timerlistgroup_abandon aio_priv_timerlistgroup_abandon
#define timerlistgroup_reuse aio_priv_timerlistgroup_reuse
#define timerlist_run_due aio_priv_timerlist_run_due
#define timerlistgroup_try_init aio_priv_timerlistgroup_try_init

/* time/timer.c */
#define timer_try_mod_ns aio_priv_timer_try_mod_ns
#define timer_try_new aio_priv_timer_try_new

#endif

// SPDX-License-Identifier: MIT
/** Addresses in the shared memory, with types of their own so that they cannot be confused. */
export type Pointer<T extends string> = number & { readonly __points_to: T };
export type ContextPointer = Pointer<'AioContext'>;
export type CoroutinePointer = Pointer<'Coroutine'>;
export type IOThreadPointer = Pointer<'IOThread'>;
export type ThreadPointer = Pointer<'WasmThread'>;
export type RequestPointer = Pointer<'FileRequest'>;
export type TimerPointer = Pointer<'QEMUTimer'>;

/** What a worker is used for; the numbers are those of wasm/port/wasm-port.h. */
export const Role = { end: 2, run: 3, ioThread: 4, hostIO: 5 } as const;
/** The engines' numbers in core-c/include/block/raw-aio.h. */
export const Engine = { threads: 0, native: 1, io_uring: 2, sync: 3, nbd: 4 } as const;
/** The kinds of requests: QEMU_AIO_... in the same header. */
export const Operation = { read: 1, write: 2, flush: 4, discard: 0x10, writeZeroes: 0x20, blockStatus: 0x40 } as const;
/** The flags of requests: BDRV_REQ_... in the same header. */
export const RequestFlag = { mayUnmap: 0x4, fua: 0x10 } as const;
/** The value of a loop's notifier word while the loop sleeps; wasm/port/wasm-port.h. */
export const EVENT_SLEEPING = 2;

/** The functions that wasm/port and wasm/runtime export. A NULL pointer is 0. */
export interface Exports {
  _initialize(): void;
  stack_own(highest: number, lowest: number): void;
  __wasm_init_tls(tls: Pointer<'tls'>): void;
  readonly __stack_pointer: WebAssembly.Global;
  readonly __indirect_function_table?: WebAssembly.Table;

  rt_malloc(size: number): Pointer<'bytes'>;
  rt_free(pointer: Pointer<string>): void;
  rt_threads_init(stackBytes: number, limit: number, reserve: number): void;
  rt_init(): ContextPointer;
  rt_failed_word(): Pointer<'word'>;
  rt_wake_all(): void;
  rt_error_text(): Pointer<'string'>;
  rt_error_errno(): number;

  rt_thread_reserve(): ThreadPointer;
  rt_thread_assign(name: Pointer<'bytes'>, role: number, arg: number): ThreadPointer;
  rt_thread_refusal(): number;
  rt_thread_assign_once(name: Pointer<'bytes'>, role: number, arg: number): ThreadPointer;
  rt_thread_attach(thread: ThreadPointer): void;
  rt_thread_attached(thread: ThreadPointer): number;
  rt_thread_park(): number;
  rt_thread_run(): void;
  rt_thread_idle(thread: ThreadPointer): void;
  rt_thread_refused(thread: ThreadPointer, errno: number, gone: boolean): void;
  rt_thread_lost(thread: ThreadPointer, gone: boolean): number;
  rt_thread_unserved(thread: ThreadPointer): number;
  rt_thread_free(thread: ThreadPointer): void;
  rt_thread_stop(thread: ThreadPointer): void;
  rt_thread_holds(thread: ThreadPointer): number;
  rt_thread_wake(thread: ThreadPointer): void;
  rt_thread_tls(thread: ThreadPointer): Pointer<'tls'>;
  rt_thread_stack_top(thread: ThreadPointer): number;
  rt_thread_stack_limit(thread: ThreadPointer): number;
  rt_thread_name(thread: ThreadPointer): Pointer<'string'>;
  rt_thread_arg(thread: ThreadPointer): number;
  rt_thread_posted(thread: ThreadPointer): Pointer<'word'>;
  rt_thread_in_host_io(thread: ThreadPointer): number;
  rt_thread_wants_turn(thread: ThreadPointer): Pointer<'word'>;
  rt_main_start(id: number): number;

  rt_coroutine_running(): CoroutinePointer;
  rt_coroutine_name(coroutine: CoroutinePointer): Pointer<'string'>;
  rt_coroutine_stack_size(coroutine: CoroutinePointer): number;
  rt_coroutine_fence(change: number): void;
  rt_coroutine_start(
    context: ContextPointer, exported: Pointer<'AioExportedCoroutine'>, argument: number, id: number,
  ): number;

  rt_fd_ready(fd: number, events: number): void;
  rt_notify(context: ContextPointer): void;
  rt_notify_owner(): void;
  rt_calls_set(context: ContextPointer, rings: number): void;
  rt_calls(context: ContextPointer): number;
  rt_hosted_word(context: ContextPointer): Pointer<'word'>;
  rt_hosted_turn(context: ContextPointer): number;
  rt_hosted_look(context: ContextPointer, ns: number): number;
  rt_context_new(name: Pointer<'bytes'>): ContextPointer;
  rt_context_free(context: ContextPointer): number;
  rt_context_polls(context: ContextPointer): number;
  rt_context_requests(context: ContextPointer): number;
  rt_context_stats(context: ContextPointer): Pointer<'string'>;
  rt_dump(): Pointer<'string'>;
  /** Modules that an earlier version has built do not have it. */
  rt_trace_start?(): Pointer<'Recording'>;
  rt_trace_word?(): Pointer<'word'>;
  rt_trace_name?(): Pointer<'bytes'>;
  rt_trace_call?(moment: number, id: number, connection: number, named: boolean): void;

  rt_iothread_new(name: Pointer<'bytes'>): IOThreadPointer;
  rt_iothread_free(ioThread: IOThreadPointer): void;
  rt_iothread_context(ioThread: IOThreadPointer): ContextPointer;
  rt_iothread_set(ioThread: IOThreadPointer, property: number, value: number): number;
  rt_iothread_query(ioThread: IOThreadPointer): Pointer<'string'>;
  rt_iothread_request_stop(ioThread: IOThreadPointer): void;
  rt_iothread_enter(ioThread: IOThreadPointer): void;
  rt_iothread_run(ioThread: IOThreadPointer, received: number): number;
  rt_iothread_running(ioThread: IOThreadPointer): number;
  rt_iothread_leave(ioThread: IOThreadPointer): void;

  rt_handles_init(seed: number): void;
  rt_handles_open(): number;
  rt_handle_generation(number: number): number;
  rt_handle_signal(number: number, generation: number): number;
  rt_handle_test_and_clear(number: number, generation: number): number;
  rt_handle_enter(number: number, generation: number): Pointer<'bytes'>;
  rt_handle_leave(number: number): void;
  rt_await_begin(number: number, generation: number): Pointer<'string'>;
  rt_await_end(): void;
  rt_await(ring: number, seen: number, also: number, alsoSeen: number, timeoutNs: number): void;
  rt_loop_handle(context: ContextPointer): number;
  rt_loop_posted(number: number, generation: number): number;
  rt_handle_watch(context: ContextPointer, number: number, generation: number, id: number): number;
  rt_handle_unwatch(context: ContextPointer, number: number): void;
  rt_handle_close(number: number, generation: number): number;

  rt_bh_new(context: ContextPointer, name: Pointer<'bytes'>, id: number): number;
  rt_notifier_new(name: Pointer<'bytes'>): number;
  rt_memory_new(name: Pointer<'bytes'>, size: number): number;
  rt_timer_new(context: ContextPointer, id: number): TimerPointer;
  rt_timer_arm(timer: TimerPointer, delayNs: number): number;
  rt_timer_cancel(timer: TimerPointer): void;
  rt_timer_pending(timer: TimerPointer): number;
  rt_timer_free(timer: TimerPointer): void;

  rt_host_io_ring(): void;
  rt_host_io_lost(): number;
  rt_host_io_none(none: boolean): void;
  rt_host_io_run(received: number): void;

  rt_files_are_owned(): void;
  rt_engine_setup(
    context: ContextPointer, engine: number, text: Pointer<'bytes'>, size: number, id: number,
  ): number;
  rt_engine_stats(context: ContextPointer, engine: number): Pointer<'string'>;
  /** Modules that an earlier version has built do not have it, nor the others of NBD. */
  rt_nbd_new?(
    context: ContextPointer, callback: number, name: Pointer<'bytes'>, connections: number, tls: boolean, reconnectDelayMs: number,
    requestTimeoutMs: number,
  ): Pointer<'RtNbd'>;
  rt_nbd_connected(nbd: Pointer<'RtNbd'>, connection: number): void;
  rt_nbd_readable(nbd: Pointer<'RtNbd'>, connection: number): void;
  rt_nbd_writable(nbd: Pointer<'RtNbd'>, connection: number): void;
  rt_nbd_lost(nbd: Pointer<'RtNbd'>, connection: number, errno: number, why: Pointer<'bytes'>): void;
  rt_nbd_export(nbd: Pointer<'RtNbd'>): Pointer<'string'>;
  rt_nbd_why?(nbd: Pointer<'RtNbd'>, result: number): Pointer<'string'>;
  rt_nbd_free(nbd: Pointer<'RtNbd'>): void;
  /** Only the package's own module has to have them: those that an earlier version has built do not. */
  rt_local_new(home: ContextPointer, callback: number): Pointer<'LocalRequest'>;
  rt_local_result(request: Pointer<'LocalRequest'>): number;
  rt_local_submit(
    request: Pointer<'LocalRequest'>, context: ContextPointer, handle: number, engine: number, type: number, offset: number,
    base: number, length: number, maxBatch: number,
  ): void;
  rt_local_cancel(request: Pointer<'LocalRequest'>): void;
  rt_local_plug(home: ContextPointer, engine: number): void;
  rt_local_unplug(home: ContextPointer, engine: number, maxBatch: number): void;
  rt_file_request(
    context: ContextPointer, handle: number, engine: number, type: number, offset: number, count: number,
    maxBatch: number,
  ): RequestPointer;
  /** Modules that an earlier version has built do not have it. */
  rt_file_request_range?(request: RequestPointer, length: number, flags: number): void;
  rt_file_request_iov(request: RequestPointer): Pointer<'words'>;
  rt_file_request_free(request: RequestPointer): void;
  rt_file_submit(request: RequestPointer, id: number): void;
  rt_file_cancel(request: RequestPointer): void;
}

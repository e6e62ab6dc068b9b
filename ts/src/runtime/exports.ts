// SPDX-License-Identifier: MIT
/** Addresses in the shared memory, told apart so that they cannot be mixed up. */
export type Pointer<T extends string> = number & { readonly __points_to: T };
export type ContextPointer = Pointer<'AioContext'>;
export type IOThreadPointer = Pointer<'IOThread'>;
export type ThreadPointer = Pointer<'WasmThread'>;
export type FilePointer = Pointer<'HostFile'>;
export type BenchPointer = Pointer<'BenchJob'>;

/** What a worker is for; wasm/port/wasm-port.h. */
export const Role = { end: 2, run: 3, ioThread: 4, hostIO: 5 } as const;
/** The value of a loop's notifier while it sleeps; wasm/port/wasm-port.h. */
export const EVENT_SLEEPING = 2;

/** The functions of wasm/port and wasm/runtime. NULL pointers are 0. */
export interface Exports {
  _initialize(): void;
  __set_stack_limits(highest: number, lowest: number): void;
  __wasm_init_tls(tls: Pointer<'tls'>): void;
  readonly __stack_pointer: WebAssembly.Global;
  malloc(size: number): Pointer<'bytes'>;
  free(pointer: Pointer<string>): void;

  rt_threads_init(stackBytes: number, limit: number, reserve: number): void;
  rt_init(): ContextPointer;
  rt_failed_word(): Pointer<'word'>;
  rt_wake_all(): void;
  rt_error_text(): Pointer<'string'>;

  rt_thread_reserve(): ThreadPointer;
  rt_thread_assign(name: Pointer<'bytes'>, role: number, arg: number): ThreadPointer;
  rt_thread_attach(thread: ThreadPointer): void;
  rt_thread_attached(thread: ThreadPointer): number;
  rt_thread_park(): number;
  rt_thread_run(): void;
  rt_thread_idle(thread: ThreadPointer): void;
  rt_thread_ended(thread: ThreadPointer): void;
  rt_thread_refused(thread: ThreadPointer, errno: number): void;
  rt_thread_lost(thread: ThreadPointer): number;
  rt_thread_unserved(thread: ThreadPointer): number;
  rt_thread_tls(thread: ThreadPointer): Pointer<'tls'>;
  rt_thread_stack_top(thread: ThreadPointer): number;
  rt_thread_stack_limit(thread: ThreadPointer): number;
  rt_thread_name(thread: ThreadPointer): Pointer<'string'>;
  rt_thread_arg(thread: ThreadPointer): number;
  rt_thread_posted(thread: ThreadPointer): Pointer<'word'>;
  rt_main_start(id: number): number;

  rt_fd_ready(fd: number): void;
  rt_notify(context: ContextPointer): void;
  rt_hosted_word(context: ContextPointer): Pointer<'word'>;
  rt_hosted_turn(context: ContextPointer): number;
  rt_context_stats(context: ContextPointer): Pointer<'string'>;
  rt_dump(): Pointer<'string'>;

  rt_iothread_new(name: Pointer<'bytes'>): IOThreadPointer;
  rt_iothread_free(ioThread: IOThreadPointer): void;
  rt_iothread_abandon(ioThread: IOThreadPointer): void;
  rt_iothread_context(ioThread: IOThreadPointer): ContextPointer;
  rt_iothread_set(ioThread: IOThreadPointer, name: Pointer<'bytes'>, value: number): number;
  rt_iothread_request_stop(ioThread: IOThreadPointer): void;
  rt_iothread_enter(ioThread: IOThreadPointer): void;
  rt_iothread_run(ioThread: IOThreadPointer, received: number): number;
  rt_iothread_running(ioThread: IOThreadPointer): number;
  rt_iothread_leave(ioThread: IOThreadPointer): void;

  rt_host_io_ring(): void;
  rt_host_io_run(received: number): void;

  rt_file_new(handle: number, owned: number): FilePointer;
  rt_file_free(file: FilePointer): void;
  rt_file_read(
    context: ContextPointer, file: FilePointer, buffer: Pointer<'bytes'>, length: number, offset: number, id: number,
  ): number;

  rt_bench_fill(words: Pointer<'bytes'>, length: number, offset: number, seed: number, size: number): void;
  rt_bench_header(words: Pointer<'bytes'>, size: number): number;
  rt_bench_new(
    context: ContextPointer, file: FilePointer, blockSize: number, depth: number, numberIos: number,
    fileSize: number, seed: number, randomSeed: number, verify: number,
  ): BenchPointer;
  rt_bench_start(job: BenchPointer, id: number): void;
  rt_bench_stop(job: BenchPointer): void;
  rt_bench_idle(job: BenchPointer): number;
  rt_bench_free(job: BenchPointer): void;
  rt_bench_completed(job: BenchPointer): number;
  rt_bench_error_offset(job: BenchPointer): number;
  rt_bench_begun(job: BenchPointer): number;
  rt_bench_ended(job: BenchPointer): number;
  rt_bench_longest(job: BenchPointer): number;
  rt_bench_histogram(job: BenchPointer): Pointer<'words'>;
  rt_bench_buckets(): number;
}

// SPDX-License-Identifier: MIT
import type { ContextPointer, Exports, Pointer } from '../runtime/exports.js';
import type { Runtime } from '../whole/runtime.js';

/** The module that a runtime needs for jobs of the bench. It contains aio.wasm and the functions of wasm/bench. */
export const benchModule: URL = new URL('../bench.wasm', import.meta.url);

export type BenchPointer = Pointer<'BenchJob'>;

/** The functions that this module has in addition to those of aio.wasm. */
export interface BenchExports extends Exports {
  rt_bench_fill(words: Pointer<'bytes'>, length: number, offset: number, seed: number, size: number): void;
  rt_bench_header(words: Pointer<'bytes'>, size: number): number;
  rt_bench_new(context: ContextPointer, options: Pointer<'bytes'>): BenchPointer;
  rt_bench_start(job: BenchPointer, id: number): void;
  rt_bench_stop(job: BenchPointer): void;
  rt_bench_idle(job: BenchPointer): number;
  rt_bench_free(job: BenchPointer): void;
  rt_bench_completed(job: BenchPointer): number;
  rt_bench_flushes(job: BenchPointer): number;
  rt_bench_error_offset(job: BenchPointer): number;
  rt_bench_begun(job: BenchPointer): number;
  rt_bench_ended(job: BenchPointer): number;
  rt_bench_longest(job: BenchPointer): number;
  rt_bench_sum(job: BenchPointer): number;
  rt_bench_squares(job: BenchPointer): number;
  rt_bench_histogram(job: BenchPointer): Pointer<'words'>;
  rt_bench_buckets(): number;
}

/** The functions of a runtime that was created with {@link benchModule}. */
export const benchExports = (runtime: Runtime): BenchExports => runtime.instance.exports as BenchExports;

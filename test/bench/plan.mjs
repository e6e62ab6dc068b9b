// SPDX-License-Identifier: MIT
// What runs, and what is asked of it.

/**
 * Contenders, in the order of their turns. `c` is a program of this folder that
 * runs natively and in WebAssembly, `js` one of peers/. `ms` is the time a line gets
 * in one turn. With a `place` its two busy threads are put on the same CPU or across
 * two; a C program's are told from others by what they do a lot: go to sleep, or
 * (`by`) work. Where threads cannot be placed it is left out, or (`loose`) run as the
 * kernel will have it. What does not swing, or takes long, has its turn in the first
 * round alone (`once`).
 */
export const CONTENDERS = [
  {
    c: 'loop', ms: 40, lines: ['a_bh_schedule_poll', 'a_oneshot_schedule_poll', 'a_bh_batch1000', 'a_oneshot_batch1000',
      'a_idle_poll', 'a_notify_not_waiting', 't_a_bh_schedule_poll', 't_a_bh_batch1000', 't_a_idle_poll', 'y_clock_c', 'y_call_indirect_c', 'y_atomic_xchg_c',
      'y_bh_floor', 'y_store_load'],
  },
  {
    js: 'loop', ms: 40, lines: ['y_atomic_add', 'y_notify_no_waiter', 'y_clock', 'p_setimmediate_a_oneshot_schedule_poll',
      'p_microtask_a_oneshot_batch1000'],
  },
  ...['same', 'cross'].flatMap((place) => [
    { c: 'rtt', ms: 300, place, lines: [`b_rtt_sleep_${place}`] },
    { c: 'rtt', ms: 300, place, lines: [`t_b_rtt_sleep_${place}`] },
    { js: 'rtt', ms: 300, place, lines: [`y_wait_rtt_${place}`] },
    { js: 'rtt', ms: 300, place, lines: [`y_postmessage_rtt_${place}`] },
    { js: 'hosted', ms: 300, place, lines: [`b_rtt_hosted_${place}`] },
  ]),
  { c: 'rtt', ms: 300, place: 'cross', by: 'work', lines: ['b_rtt_poll_cross'] },
  { js: 'rtt', ms: 200, place: 'cross', lines: ['y_spin_rtt'] },
  { c: 'flood', ms: 300, place: 'cross', by: 'work', loose: true, lines: ['c_flood_1p', 'c_flood_bh'] },
  { js: 'flood', ms: 400, place: 'cross', loose: true, lines: ['p_postmessage_c_flood_1p', 'p_atomics_c_flood_bh'] },
  { c: 'flood', ms: 300, lines: ['c_flood_2p'] },
  { js: 'flood', ms: 400, lines: ['p_postmessage_c_flood_2p'] },
  { c: 'timer', ms: 150, lines: ['d_timer_arm_10k', 'd_timer_rearm_10k', 'd_timer_rearm_10', 'd_timer_fire_10k', 'y_timer_fire', 'd_timer_late_1ms'] },
  {
    js: 'timer', ms: 150, lines: ['p_settimeout_d_timer_arm_10k', 'p_refresh_d_timer_rearm_10k', 'p_settimeout_d_timer_fire_10k',
      'p_settimeout_d_timer_late_1ms', 'y_wait_late_1ms'],
  },
  {
    c: 'fd', ms: 60, lines: ['e_fd_dispatch_1', 'e_fd_dispatch_64', 'e_fd_dispatch_1k', 'e_fd_dispatch_10k',
      'e_fd_register_1', 'e_fd_register_10k'],
  },
  { c: 'coroutine', ms: 60, lines: ['f_co_enter_yield', 'f_co_enter_yield_10', 'f_co_enter_yield_30', 'f_co_enter_yield_100', 'f_co_create_end', 'f_co_schedule_self', 'y_co_sigsetjmp'] },
  {
    js: 'coroutine', ms: 60, lines: ['p_fibers_f_co_enter_yield', 'p_generator_f_co_enter_yield', 'p_await_f_co_enter_yield'],
  },
  { c: 'rtt', ms: 300, place: 'cross', by: 'work', lines: ['f_co_schedule_cross'] },
  { c: 'pool', ms: 300, lines: ['g_pool_depth1', 'g_pool_depth64'] },
  { c: 'locks', ms: 300, lines: ['g_mutex_2t', 'g_mutex_4t', 'g_comutex_2t', 'g_comutex_4t'] },
  { js: 'pool', ms: 300, lines: ['p_libuv_g_pool_depth64', 'p_postmessage_g_pool_depth64'] },
  ...['y_readsync_4k', 'h_read4k_d32', 't_h_read4k_d32', 'p_fsread_h_read4k_d32', 'p_filehandle_h_read4k_d32', 'h_read4k_d32_native',
    'h_read4k_d32_io_uring', 'h_read4k_d32_threads', 'h_read4k_d1', 'p_fsread_h_read4k_d1', 'h_read4k_d32_2t', 'y_readsync_4k_2t',
    'h_write4k_sync32', 'p_writesync_h_write4k_sync32']
    .map((line) => ({ js: 'file', ms: 300, lines: [line] })),
  { js: 'hosted', ms: 1600, lines: ['d_timeout_late_idle', 'd_timeout_late_busy'] },
  { js: 'page', ms: 4000, lines: ['d_page_timeout_late_idle', 'd_page_timeout_late_busy', 'd_page_frame_idle', 'd_page_frame_busy'] },
  { js: 'start', ms: 200, lines: ['y_bare_worker_start', 's_start_runtime', 's_start_iothread'] },
  { js: 'start', ms: 0, lines: ['y_mem_bare_worker'] },
  { js: 'start', ms: 0, lines: ['s_mem_iothread'] },
  { js: 'size', ms: 0, once: true, lines: ['s_wasm_gz', 's_js_gz', 's_js_worker_gz'] },
  { js: 'idle', ms: 10_000, once: true, lines: ['s_idle_cpu'] },
  { js: 'wasi', ms: 300, lines: ['s_poll_cpu', 's_filter_bytes', 'p_pipeline_s_filter_bytes'] },
];

const atMost = (line, factor, of, runtime = 'node', ours = 'node') => ({ line, bound: '<=', factor, of, runtime, ours });
const atLeast = (line, factor, of, runtime = 'node') => ({ line, bound: '>=', factor, of, runtime, ours: 'node' });
/** Beside the native build of an older commit: `make bench-compare`. */
const atMostBase = (line, factor, native) => [
  atMost(line, factor, line, 'base'), ...(native ? [atMost(line, native, line, 'base', 'native')] : []),
];
/** What does not depend on the machine. */
const limit = (line, most, text) => ({ line, most, text, ours: 'node' });

/**
 * Of a line in WebAssembly on Node (`ours`: or natively), in proportion to another line (`of`, and `allowed` so much) of
 * the same run: no absolute figure of what machines differ in.
 */
export const GOALS = [
  ...atMostBase('a_bh_schedule_poll', 1.3),
  ...atMostBase('a_oneshot_schedule_poll', 1.5),
  ...atMostBase('a_idle_poll', 1.4),
  ...atMostBase('a_bh_batch1000', 1),
  atMost('a_bh_batch1000', 1.2, 'y_bh_floor'),
  ...atMostBase('a_oneshot_batch1000', 1.5),
  atMost('a_notify_not_waiting', 1.5, 'y_store_load'),
  ...atMostBase('b_rtt_poll_cross', 0.8, 0.75),
  atMost('b_rtt_sleep_same', 1.05, 'y_wait_rtt_same'),
  atMost('b_rtt_sleep_cross', 1.05, 'y_wait_rtt_cross'),
  // t_…: while tracing is on.
  atMost('t_b_rtt_sleep_same', 1.15, 'b_rtt_sleep_same'),
  atMost('t_b_rtt_sleep_cross', 1.15, 'b_rtt_sleep_cross'),
  atLeast('t_h_read4k_d32', 0.85, 'h_read4k_d32'),
  atMost('b_rtt_hosted_same', 0.5, 'y_postmessage_rtt_same'),
  atMost('b_rtt_hosted_cross', 0.8, 'y_postmessage_rtt_cross'),
  atMost('b_rtt_poll_cross', 2.5, 'y_spin_rtt'),
  atLeast('c_flood_1p', 3, 'p_postmessage_c_flood_1p'),
  atLeast('c_flood_2p', 3, 'p_postmessage_c_flood_2p'),
  atLeast('c_flood_bh', 3, 'p_atomics_c_flood_bh'),
  atMost('d_timer_arm_10k', 1, 'p_settimeout_d_timer_arm_10k'),
  atMost('d_timer_rearm_10k', 1, 'p_refresh_d_timer_rearm_10k'),
  atMost('d_timer_rearm_10k', 2, 'd_timer_rearm_10'),
  ...atMostBase('d_timer_fire_10k', 0.33, 0.33),
  atMost('d_timer_fire_10k', 1, 'p_settimeout_d_timer_fire_10k'),
  atMost('d_timer_late_1ms', 1.02, 'y_wait_late_1ms'),
  atMost('e_fd_dispatch_1', 4, 'a_bh_schedule_poll'),
  atMost('e_fd_dispatch_10k', 1.15, 'e_fd_dispatch_1'),
  atMost('e_fd_register_1', 0.4, 'e_fd_register_1', 'base', 'native'),
  atMost('e_fd_register_10k', 2, 'e_fd_register_1'),
  atMost('f_co_enter_yield', 0.55, 'y_co_sigsetjmp', 'native'),
  atMost('f_co_enter_yield', 0.1, 'p_fibers_f_co_enter_yield'),
  // Above one switch by so many frames: 4 ns each.
  ...[10, 30, 100].map((frames) => ({ ...atMost(`f_co_enter_yield_${frames}`, 1, 'f_co_enter_yield'), allowed: 4 * frames, allowedText: '4 ns a frame' })),
  atMost('f_co_create_end', 0.5, 'y_co_sigsetjmp', 'native'),
  atMost('f_co_schedule_self', 1.2, 'f_co_schedule_self', 'native'),
  atMost('f_co_schedule_cross', 1.2, 'f_co_schedule_cross', 'native'),
  ...['g_comutex_2t', 'g_comutex_4t'].map((line) => atLeast(line, 0.8, line, 'native')),
  atLeast('g_pool_depth64', 5, 'p_postmessage_g_pool_depth64'),
  atLeast('g_pool_depth64', 1, 'p_libuv_g_pool_depth64'),
  atLeast('h_read4k_d1', 5, 'p_fsread_h_read4k_d1'),
  atLeast('h_read4k_d32', 0.9, 'y_readsync_4k'),
  atLeast('h_read4k_d32', 5, 'p_filehandle_h_read4k_d32'),
  atLeast('h_read4k_d32', 1.3, 'p_fsread_h_read4k_d32'),
  atLeast('h_read4k_d32_2t', 0.7, 'y_readsync_4k_2t'),
  atLeast('h_write4k_sync32', 1, 'p_writesync_h_write4k_sync32'),
  atMost('d_timeout_late_busy', 3, 'd_timeout_late_idle'),
  limit('d_page_timeout_late_busy', 4e6, '4 ms'),
  atMost('d_page_frame_busy', 1.1, 'd_page_frame_idle'),
  atMost('s_start_runtime', 1.5, 'y_bare_worker_start'),
  atMost('s_start_iothread', 1.15, 'y_bare_worker_start'),
  { ...atMost('s_mem_iothread', 1.2, 'y_mem_bare_worker'), allowed: 256 * 1024, allowedText: 'its stack' },
  limit('s_wasm_gz', 64 * 1024, '64 KiB'),
  limit('s_js_gz', 40 * 1024, '40 KiB'),
  limit('s_idle_cpu', 0.1, '0.1 %'),
  atLeast('s_filter_bytes', 1, 'p_pipeline_s_filter_bytes'),
];

/** The call that every call-back costs: it bounds what a_* lines can come to. */
export const CALL = 'y_call_indirect_c';

/** The lines with a goal in proportion to an older commit. */
export const COMPARED = [...new Set(GOALS.filter(({ runtime }) => runtime === 'base').map(({ line }) => line))];

/** The names to run: those that begin as asked for, and what their goals need. */
export function choose(prefixes) {
  const names = new Set(CONTENDERS.flatMap(({ lines }) => lines)
    .filter((name) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix))));
  for (const { line, of } of GOALS) {
    if (of && names.has(line)) names.add(of);
    if (names.has(line) && line === of) names.add(CALL);
  }
  return names;
}

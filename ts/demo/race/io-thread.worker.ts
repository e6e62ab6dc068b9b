// SPDX-License-Identifier: MIT
import { serve } from 'wasm-aio/iothread';

const api = { double: (n: number): number => 2 * n };
export type Api = typeof api;
serve(api, { blocking: true });

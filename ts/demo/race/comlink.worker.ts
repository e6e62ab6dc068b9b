// SPDX-License-Identifier: MIT
import { expose } from 'comlink';

const api = { double: (n: number): number => 2 * n };
export type Api = typeof api;
expose(api);

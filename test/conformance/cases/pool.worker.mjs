// SPDX-License-Identifier: MIT
/** A worker's file for a pool. */
import { serve } from 'wasm-aio/iothread';
import { tasks } from 'wasm-aio/pool';

serve(tasks({ default: (text) => text.toUpperCase() }));

// SPDX-License-Identifier: MIT
/** An IOThread's code, in a thread with another time origin. */
import './clock-origin.shift.mjs';
import { serve } from 'wasm-aio/iothread';

serve({});

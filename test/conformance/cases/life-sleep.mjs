// SPDX-License-Identifier: MIT
/** The machine sleeps, or the process is stopped. */
import { asleep } from './life.asleep.mjs';

export default async (given) => (await asleep(given, 'sleep', 1500, true)) || given.skip('nothing here stops the process');

// SPDX-License-Identifier: MIT
/** A page is behind another one: its timers run seldom, and its work goes on. */
import { asleep } from './life.asleep.mjs';

export default async (given) => (await asleep(given, 'hide', 1500, false)) || given.skip('only Chromium can be told to hide a page');

// SPDX-License-Identifier: MIT
/** A browser freezes a page that has been hidden for long. */
import { asleep } from './life.asleep.mjs';

export default async (given) => (await asleep(given, 'freeze', 1500, true)) || given.skip('only Chromium can be told to freeze a page');

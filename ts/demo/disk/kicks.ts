// SPDX-License-Identifier: MIT
/** How many submissions shared a kick, that is, a wake-up of the thread that carries them out. */
import type { JobResult } from '../../bench/job.js';

/** undefined: that thread never slept, so it needed no kick. */
export const perKick = ({ submission: { submissions, kicks } }: Pick<JobResult, 'submission'>): number | undefined => (kicks > 0 ? submissions / kicks : undefined);

/** That number for a person. */
export const inWords = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? 'no kick';

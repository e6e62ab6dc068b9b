// SPDX-License-Identifier: MIT
/** This thread's time origin is an hour off, as after the machine slept or its date was set. */
Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + 3_600_000 });

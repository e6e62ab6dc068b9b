// SPDX-License-Identifier: MIT

/** What {@link doctor} looked at, and what it saw. */
export interface Finding {
  readonly about: 'isolation' | 'engine' | 'module' | 'memory' | 'workers';
  /** note: it works, but would better be changed. */
  readonly state: 'ok' | 'note' | 'fault';
  /** One line. */
  readonly message: string;
  /** What to do; may have several lines. Empty if nothing. */
  readonly remedy: string;
}

type About = Finding['about'];

export const ok = (about: About, message: string): Finding => ({ about, state: 'ok', message, remedy: '' });
export const note = (about: About, message: string, remedy: string): Finding => ({ about, state: 'note', message, remedy });
export const fault = (about: About, message: string, remedy: string): Finding => ({ about, state: 'fault', message, remedy });

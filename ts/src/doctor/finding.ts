// SPDX-License-Identifier: MIT

/** One result of {@link doctor}: what was examined, and what was found. */
export interface Finding {
  /**
   * What was examined: cross-origin isolation, the JavaScript engine, the module, the shared memory, workers, files, the
   * clock, or features that the package can do without.
   */
  readonly about: 'isolation' | 'engine' | 'module' | 'memory' | 'workers' | 'files' | 'clock' | 'extras';
  /** `ok`: nothing has to be done. `note`: it works, but should be changed. `fault`: a runtime cannot work here. */
  readonly state: 'ok' | 'note' | 'fault';
  /** What was found, in one line. */
  readonly message: string;
  /** What to do about it, in one or several lines. Empty if nothing has to be done. */
  readonly remedy: string;
}

type About = Finding['about'];

export const ok = (about: About, message: string): Finding => ({ about, state: 'ok', message, remedy: '' });
export const note = (about: About, message: string, remedy: string): Finding => ({ about, state: 'note', message, remedy });
export const fault = (about: About, message: string, remedy: string): Finding => ({ about, state: 'fault', message, remedy });

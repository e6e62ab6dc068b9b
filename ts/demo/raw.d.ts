// SPDX-License-Identifier: MIT
/** Vite's imports of a file as text. */
declare module '*?raw' {
  const text: string;
  export default text;
}

interface ImportMeta {
  /** Vite's list of the files that there are when it builds: their addresses, by their names. */
  glob(pattern: string, options: { query: '?url'; import: 'default'; eager: true }): Record<string, string>;
}

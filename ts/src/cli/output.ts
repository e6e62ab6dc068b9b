// SPDX-License-Identifier: MIT
/** Writes to standard output and standard error, within the terminal's width, and reports what cannot be written. */
import { AioError, hostErrno, messageOf } from '../errors.js';

const WHY: Record<string, string> = {
  ENOSPC: 'no space is left on the device',
  EPIPE: 'its reader has closed the pipe',
};

const ignore = (): void => {};

/**
 * Listens for errors of a stream; without that, an error would end the process with a stack trace. Node has listeners of its own there, one
 * for each worker: it would warn of a leak from the eleventh on.
 */
function ignoreErrors(stream: NodeJS.WriteStream): void {
  if (!stream.listeners('error').includes(ignore)) stream.setMaxListeners(0).on('error', ignore);
}

/**
 * Writes to standard output; rejects with one sentence if that is not possible. (Commands that do not
 * print must not touch process.stdout: that makes a pipe non-blocking, also for a guest that writes to it.)
 */
export function print(text: string): Promise<void> {
  ignoreErrors(process.stdout);
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) return resolve();
      const errno = hostErrno(error);
      reject(new AioError('ERR_AIO_IO', `standard output cannot be written: ${WHY[errno] ?? messageOf(error)} (${errno})`, { errno }));
    });
  });
}

/** Writes a line to standard error, and ignores it if that is not possible. */
export function complain(text: string): void {
  ignoreErrors(process.stderr);
  process.stderr.write(`wasm-aio: ${text}\n`);
}

/** The number of columns of the terminal, or the value of COLUMNS; undefined if there is no limit. (0 means unknown.) */
export function outputWidth(): number | undefined {
  const wanted = Number(process.env.COLUMNS);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : process.stdout.columns || undefined;
}

/** Whether a line may be printed that is overwritten later. NO_COLOR and TERM=dumb ask for plain text. */
export function isInteractive(): boolean {
  const plain = (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  return process.stderr.isTTY && process.stdout.isTTY && !plain;
}

/** Wraps a text to lines of at most `width` characters, except where a word is longer. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line += line === '' ? word : ` ${word}`;
    }
  }
  return [...lines, line];
}

/** The width of a terminal that does not tell its width. */
const USUAL_WIDTH = 80;

const textWidth = (): number => Math.max(outputWidth() ?? USUAL_WIDTH, 30);

/** Formats a paragraph. */
export const paragraph = (text: string): string => `${wrapped(text, textWidth()).join('\n')}\n`;

/** Formats a list of terms with their meanings. It has two columns where there is room for them; otherwise each meaning is below its term. */
export function terms(rows: readonly (readonly [term: string, meaning: string])[]): string {
  const width = textWidth();
  const beside = width >= 72;
  const left = Math.max(...rows.map(([term]) => term.length)) + 4;
  const list = rows.flatMap(([term, meaning]) => {
    const lines = wrapped(meaning, width - (beside ? left : 6));
    if (!beside) return [`  ${term}`, ...lines.map((line) => `      ${line}`)];
    return lines.map((line, n) => `${(n === 0 ? `  ${term}` : '').padEnd(left)}${line}`);
  });
  return `${list.join('\n')}\n`;
}

/** Formats a help text: a paragraph, a list of terms with their meanings, and a last paragraph. */
export function helpText(about: string, rows: readonly [term: string, meaning: string][], footer?: string): string {
  return [paragraph(about), terms(rows), ...(footer === undefined ? [] : [paragraph(footer)])].join('\n');
}

const cells = (row: readonly string[], widths: readonly number[]): string =>
  row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  ').trimEnd();

const widthsOf = (rows: readonly string[][]): number[] => rows[0]?.map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0))) ?? [];

/** The width of a table with columns of these widths. */
const total = (widths: readonly number[]): number => widths.reduce((sum, width) => sum + width + 2, -2);

/**
 * Formats a table. Columns are as wide as their widest cell; the first one is left-aligned, the others are right-aligned. A
 * table that is wider than the terminal is transposed: it has a line for each heading and a column for each row, with as many
 * columns side by side as fit.
 */
export function columns(rows: string[][], limit = outputWidth()): string {
  const widths = widthsOf(rows);
  if (limit === undefined || total(widths) <= limit) return `${rows.map((row) => cells(row, widths)).join('\n')}\n`;
  const [headings = [], ...records] = rows;
  const groups: string[][][] = [];
  for (const record of records) {
    const group = groups.at(-1);
    if (group && total(widthsOf(turned([headings, ...group, record]))) <= limit) group.push(record);
    else groups.push([record]);
  }
  return groups.map((group) => {
    const lines = turned([headings, ...group]);
    return `${lines.map((line) => cells(line, widthsOf(lines))).join('\n')}\n`;
  }).join('\n');
}

const turned = (rows: readonly string[][]): string[][] => rows[0]?.map((_, n) => rows.map((row) => row[n] ?? '')) ?? [];

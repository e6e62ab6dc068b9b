// SPDX-License-Identifier: MIT
import { invalid, isArrayOf, isBoolean, isBytes, isText, type Check, type Checks } from '../check.js';
import { areArguments } from '../runtime/runtime-options.js';
import { isStream, type StreamSource } from './stream.js';

/**
 * A standard stream of a guest: `inherit` is this process's own, `closed` is none, a stream is used as it is; for
 * standard input, a string or bytes are what the guest reads.
 */
export type Standard = 'inherit' | 'closed' | StreamSource | Uint8Array | string;

/** A directory that a guest gets: a path of the host, `mem` for a new one in memory, or one of the page's origin. */
export type GuestDirectory = string | {
  /** The path below the root of the origin's private files (`navigator.storage.getDirectory()`); `''` is that root. */
  readonly opfs: string;
};

/** What a guest program gets from its host: arguments, environment, directories and streams. */
export interface GuestOptions {
  /** The arguments of main(); the first one is the program's name. Default: `['program']`. */
  args?: readonly string[];
  /** The environment variables, values by names. Default: none. */
  env?: Readonly<Record<string, string>>;
  /**
   * The directories that the guest may use: the host's path for each path of the guest, such as `{ '/': 'data' }`. The
   * host's path `mem` stands for a new directory in memory, which works on every runtime. `{ opfs: 'path' }` is a directory of the page's
   * origin (OPFS), which is made if it is missing. Their order is that of the object or Map; an object has names that are whole numbers
   * first. Default: none.
   */
  dirs?: Readonly<Record<string, GuestDirectory>> | ReadonlyMap<string, GuestDirectory>;
  /** Standard input, fd 0: a stream, or the text or bytes that the guest reads. Default `inherit`. */
  stdin?: Standard;
  /** Standard output, fd 1. Default `inherit`. */
  stdout?: Standard;
  /** Standard error, fd 2. Default `inherit`. */
  stderr?: Standard;
  /**
   * Addresses, `HOST:PORT` each, at which sockets listen for the guest. Their fds follow those of the directories,
   * which begin with 3.
   */
  listen?: readonly string[];
  /**
   * Whether sockets that the guest opens may use other addresses than those of the loopback interface. Default: false; then a
   * connection to elsewhere fails with EACCES, and a socket that listens on any address does so on the loopback interface.
   */
  allowNet?: boolean;
  /** Streams that the guest reads and writes. Their fds follow those of the listening sockets. */
  streams?: readonly StreamSource[];
}

/** The directories, the guest's path and the host's each. @internal */
export const directoriesOf = (dirs: GuestOptions['dirs'] = {}): [string, GuestDirectory][] =>
  (dirs instanceof Map ? [...dirs] as [string, GuestDirectory][] : Object.entries(dirs));

const areDirectories: Check = (name, value) => {
  const found = value instanceof Map ? Object.fromEntries(value) as object : value;
  areOwn(name, found, (what, directory) => {
    if (typeof directory !== 'object' || directory === null) return isText(what, directory);
    const { opfs, ...others } = directory as Record<string, unknown>;
    const [other] = Object.keys(others);
    if (other !== undefined) throw invalid(what, "a path, or an object with 'opfs' alone", directory);
    isText(`${what}.opfs`, opfs);
    if (/(^|\/)\.\.?(\/|$)/.test(opfs as string)) throw invalid(`${what}.opfs`, 'a path without . and ..', opfs);
  });
};

/** Checks the own properties of an object. */
function areOwn(name: string, value: unknown, check: Check): void {
  if (Object.prototype.toString.call(value) !== '[object Object]') throw invalid(name, 'an object with strings', value);
  for (const [key, own] of Object.entries(value as object)) {
    isText(`a name in ${name}`, key);
    check(`${name}.${key}`, own);
  }
}

const areTexts: Check = (name, value) => areOwn(name, value, isText);

const isEnvironment: Check = (name, value) => {
  areTexts(name, value);
  for (const key of Object.keys(value as object)) if (key === '' || key.includes('=')) throw invalid(`a name in ${name}`, 'one of a variable', key);
};

const isStandard = (isInput: boolean): Check => (name, value) => {
  if (value === 'inherit' || value === 'closed') return;
  if (isInput && typeof value === 'string') return;
  if (isInput && ArrayBuffer.isView(value)) return isBytes(name, value);
  if (typeof value !== 'object') throw invalid(name, `'inherit', 'closed'${isInput ? ', text, a Uint8Array' : ''} or a stream`, value);
  isStream(name, value);
};

/** @internal */
export const guestChecks: Checks<GuestOptions> = {
  args: areArguments, env: isEnvironment, dirs: areDirectories, stdin: isStandard(true), stdout: isStandard(false), stderr: isStandard(false),
  listen: isArrayOf(isText, 'addresses'), allowNet: isBoolean, streams: isArrayOf(isStream, 'streams'),
};

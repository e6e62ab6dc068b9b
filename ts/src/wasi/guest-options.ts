// SPDX-License-Identifier: MIT
import { invalid, isArrayOf, isBytes, isText, type Check, type Checks } from '../check.js';
import { areArguments } from '../runtime/runtime-options.js';
import { isStream, type StreamSource } from './stream.js';

/** A standard stream: this process's own, none, a stream, or (input) its bytes. */
export type Standard = 'inherit' | 'closed' | StreamSource | Uint8Array | string;

export interface GuestOptions {
  /** What main() gets; the first is the program's name. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Directories that the guest may use, host's by guest's name: { '/': 'data' }. */
  dirs?: Readonly<Record<string, string>>;
  stdin?: Standard;
  stdout?: Standard;
  stderr?: Standard;
  /** Sockets that listen, `HOST:PORT` each. Their fds follow those of the directories, which begin with 3. */
  listen?: readonly string[];
  /** Streams that the guest reads and writes; their fds follow those of the sockets. */
  streams?: readonly StreamSource[];
}

/** An object whose own properties are strings. */
const areTexts: Check = (name, value) => {
  if (Object.prototype.toString.call(value) !== '[object Object]') throw invalid(name, 'an object with strings', value);
  for (const [key, text] of Object.entries(value as object)) {
    isText(`a name in ${name}`, key);
    isText(`${name}.${key}`, text);
  }
};

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
  args: areArguments, env: isEnvironment, dirs: areTexts, stdin: isStandard(true), stdout: isStandard(false), stderr: isStandard(false),
  listen: isArrayOf(isText, 'addresses'), streams: isArrayOf(isStream, 'streams'),
};

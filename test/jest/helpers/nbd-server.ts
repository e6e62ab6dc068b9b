// SPDX-License-Identifier: MIT
/** An NBD server in this process, whose file is memory that the test controls. */
import { afterAll, afterEach } from '@jest/globals';
import { join } from 'node:path';
import type { Block, Ended, ServedFile } from '../../../dist/nbd-server/file.js';
import type { NbdServer, NbdServerOptions } from '../../../dist/nbd-server/server.js';
import { scratch } from './child.js';
import { dist } from './paths.js';

/** A file whose requests end when the test says so, if it wants to. */
export class MemoryFile implements ServedFile {
  readonly path = 'disk.img';
  readonly content: Buffer;
  /** Of all requests, in the order in which they began: `read 0+512`. */
  readonly began: string[] = [];
  /** Those that have not ended, by the same names. */
  readonly held = new Map<string, () => void>();
  isHolding = false;
  /** Whose requests are not needed any more. */
  readonly forgotten: object[] = [];
  /** The errno with which the next requests fail. */
  error: { code: string; errno?: string } | undefined;
  readonly zeros = Buffer.alloc(4096);
  readonly scratch = Buffer.alloc(4096);
  /** The bytes of blocks that the server has, and the most that it may have. */
  allocated = 0;
  room = Infinity;
  /** Those that wait for memory. */
  readonly waiting: { length: number; granted: (block: Block | undefined) => void }[] = [];
  #told: (() => void) | undefined;

  constructor(readonly size: number) {
    this.content = Buffer.from(Array.from({ length: Math.min(size, 65536) }, (_, n) => (n * 7) & 255));
  }

  async #request(name: string): Promise<void> {
    this.began.push(name);
    this.#told?.();
    if (this.isHolding) await new Promise<void>((resolve) => this.held.set(name, resolve));
    if (this.error) throw Object.assign(new Error(`${this.path}: ${name}: ${this.error.errno}`), { name: 'AioError' }, this.error);
  }

  /** Resolves when so many requests have begun. */
  async hasBegun(count: number): Promise<void> {
    while (this.began.length < count) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  release(name: string): void {
    const end = this.held.get(name);
    if (!end) throw new Error(`${name} is not held, but ${[...this.held.keys()].join(', ')}`);
    this.held.delete(name);
    end();
  }

  releaseAll(): void {
    this.isHolding = false;
    for (const name of this.held.keys()) this.release(name);
  }

  allocate(length: number, granted: (block: Block | undefined) => void): Block | undefined {
    const block = this.#make(length);
    if (!block) this.waiting.push({ length, granted });
    return block;
  }

  #make(length: number): Block | undefined {
    if (this.allocated + length > this.room) return undefined;
    this.allocated += length;
    const free = (): void => {
      this.allocated -= length;
      this.grant();
    };
    return { bytes: Buffer.alloc(length), free };
  }

  /** Gives memory to those who wait, as far as there is room. refuse: the first is told that there is not so much. */
  grant({ refuse = false } = {}): void {
    const [first] = this.waiting;
    const block = first && !refuse ? this.#make(first.length) : undefined;
    if (!first || (!block && !refuse)) return;
    this.waiting.shift();
    first.granted(block);
    this.grant();
  }

  read(offset: number, into: Buffer, from: number, _: object, ended: Ended): void {
    const length = into.length - from;
    this.#request(`read ${offset}+${length}`).then(() => {
      into.set(this.content.subarray(offset, offset + length), from);
      ended(length);
    }, ended);
  }

  write(offset: number, data: Buffer, length: number, ended: Ended): void {
    this.#request(`write ${offset}+${length}`).then(() => {
      // Beyond what it has in memory nothing is kept.
      this.content.set(data.subarray(0, Math.max(Math.min(length, this.content.length - offset), 0)), offset);
      ended(length);
    }, ended);
  }

  flush(_: object, ended: Ended): void {
    this.#request('flush').then(() => ended(0), ended);
  }

  forget(owner: object): void {
    this.forgotten.push(owner);
  }

  plug(): void {}

  unplug(): void {}
}

export interface Running {
  server: NbdServer;
  file: MemoryFile;
  path: string;
  /** What the server has said of its connections. */
  said: string[];
  /** Resolves with the first sentence that matches, of those that were said or will be. */
  says(words: RegExp): Promise<string>;
}

let count = 0;

type Options = Partial<NbdServerOptions> & { size?: number; isReadOnly?: boolean; name?: string };

/** Returns what starts a server, which ends with the test. */
export function nbdServers(): (options?: Options) => Promise<Running> {
  const dir = scratch();
  let running: Running | undefined;
  afterAll(dir.remove);
  afterEach(async () => {
    running?.file.releaseAll();
    await running?.server.close();
  });
  return async (options) => (running = await startServer(dir.path, options));
}

/** Starts a server at a socket in a directory. */
async function startServer(dir: string, { size = 65536, isReadOnly = false, name = '', ...options }: Options = {}): Promise<Running> {
  const { NbdServer: Server } = (await import(dist('nbd-server/server.js'))) as { NbdServer: typeof NbdServer };
  const file = new MemoryFile(size);
  const said: string[] = [];
  let tell: (() => void) | undefined;
  const server = new Server({
    exported: { name, size, isReadOnly }, files: [file], maxConnections: 20, timeout: 60_000,
    report: (why) => {
      said.push(why);
      tell?.();
    },
    ...options,
  });
  const path = join(dir, `s${count++}`);
  await server.listen({ path });
  const says = async (words: RegExp): Promise<string> => {
    for (;;) {
      const found = said.find((sentence) => words.test(sentence));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (tell = resolve));
    }
  };
  return { server, file, path, said, says };
}

// SPDX-License-Identifier: MIT
/** The served file in the worker of an IOThread, whose own loop carries out the requests, or another IOThread's. */
import type { IOThreadHome } from '../api/home.js';
import type { AioEngine } from '../api/file.js';
import { errnoName } from '../errno.js';
import { AioError, noMemory } from '../errors.js';
import { Engine, Operation, type ContextPointer, type Pointer } from '../runtime/exports.js';
import type { Block, Ended, ServedFile } from './file.js';
import { LoopTime } from './loop-time.js';

/** A file that the owner of the runtime has opened. */
export interface Opened {
  readonly path: string;
  readonly handle: number;
  /** Of the IOThread that carries out its requests. */
  readonly context: ContextPointer;
  readonly aio: AioEngine;
  readonly aioMaxBatch: number;
  /** Small reads and writes are carried out by the loop's own thread (engine `sync`, which is set up) as long as they do not wait for the storage. */
  readonly isDirect?: boolean;
}

/** Larger requests are always handed to the engine: to copy their data takes a while. */
const DIRECT_BYTES = 64 * 1024;

/** Requests that write zeros, and those that fill the cache, are carried out in pieces of so many bytes. */
const PIECE = 1024 ** 2;

/** The memory of requests, which several files may share. */
export class RequestBlocks {
  /** Blocks that are in use. */
  #count = 0;
  readonly #waiting: { length: number; granted: (block: Block | undefined) => void }[] = [];
  readonly scratch: Buffer;
  readonly zeros: Buffer;

  constructor(readonly home: IOThreadHome) {
    const { exports } = home.instance;
    const all = exports.rt_malloc(2 * PIECE);
    if (all === 0) throw noMemory(`${2 * PIECE} bytes`);
    this.scratch = this.#view(all, PIECE);
    this.zeros = this.#view(all + PIECE, PIECE).fill(0);
  }

  #view(start: number, length: number): Buffer {
    return Buffer.from(this.home.instance.memory.reaching(start + length).buffer as ArrayBuffer, start, length);
  }

  #make(length: number): Block | undefined {
    const { exports } = this.home.instance;
    const pointer = exports.rt_malloc(length);
    if (pointer === 0) return undefined;
    this.#count++;
    return {
      bytes: this.#view(pointer, length),
      free: () => {
        exports.rt_free(pointer);
        this.#count--;
        if (this.#waiting.length > 0) this.#grant();
      },
    };
  }

  allocate(length: number, granted: (block: Block | undefined) => void): Block | undefined {
    const block = this.#waiting.length > 0 ? undefined : this.#make(length);
    if (!block) {
      this.#waiting.push({ length, granted });
      if (this.#count === 0) setImmediate(() => this.#grant());
    }
    return block;
  }

  /** First come, first served. */
  #grant(): void {
    for (let [first] = this.#waiting; first; [first] = this.#waiting) {
      const block = this.#make(first.length);
      if (!block && this.#count > 0) return;
      this.#waiting.shift();
      first.granted(block);
    }
  }
}

export class ThreadFile implements ServedFile {
  readonly path: string;
  readonly scratch: Buffer;
  readonly zeros: Buffer;
  readonly #engine: number;
  /** Its own loop carries out the requests. */
  readonly #isHere: boolean;
  readonly #loopTime: LoopTime | undefined;
  #plugs = 0;
  /** All places for requests, and those that are not in use. */
  readonly #all: Place[] = [];
  readonly #free: Place[] = [];

  constructor(private readonly blocks: RequestBlocks, private readonly file: Opened, private readonly here: ContextPointer) {
    this.path = file.path;
    this.scratch = blocks.scratch;
    this.zeros = blocks.zeros;
    this.#engine = Engine[file.aio];
    this.#isHere = file.context === here;
    this.#loopTime = file.isDirect && this.#isHere ? new LoopTime() : undefined;
  }

  allocate(length: number, granted: (block: Block | undefined) => void): Block | undefined {
    return this.blocks.allocate(length, granted);
  }

  read(offset: number, into: Buffer, from: number, owner: object, ended: Ended): void {
    this.#submit('read', offset, into.byteOffset + from, into.length - from, ended, owner);
  }

  write(offset: number, data: Buffer, length: number, ended: Ended): void {
    this.#submit('write', offset, data.byteOffset, length, ended);
  }

  flush(owner: object, ended: Ended): void {
    this.#submit('flush', 0, 0, 0, ended, owner);
  }

  forget(owner: object): void {
    const { home, home: { instance: { exports } } } = this.blocks;
    if (home.over) return;
    for (const place of this.#all) if (place.owner === owner) home.run(() => exports.rt_local_cancel(place.pointer));
  }

  #submit(operation: keyof typeof Operation, offset: number, start: number, length: number, ended: Ended, owner?: object): void {
    const { home } = this.blocks;
    const { exports } = home.instance;
    const place = this.#free.pop() ?? this.#newPlace();
    place.owner = owner;
    place.ended = (result) => ended(result >= 0 ? result : this.#error(result, operation, offset, length));
    const loopTime = operation === 'flush' || length > DIRECT_BYTES ? undefined : this.#loopTime;
    const begin = loopTime ? performance.now() : 0;
    const isDirect = loopTime?.isLeft(begin) ?? false;
    home.run(() => exports.rt_local_submit(
      place.pointer, this.file.context, this.file.handle, isDirect ? Engine.sync : this.#engine, Operation[operation], offset, start, length, this.file.aioMaxBatch,
    ));
    if (isDirect) loopTime?.took(performance.now() - begin);
  }

  #newPlace(): Place {
    const { home, home: { callbacks, instance: { exports } } } = this.blocks;
    const id = callbacks.add(() => {
      const { ended } = place;
      place.owner = undefined;
      this.#free.push(place);
      ended(exports.rt_local_result(place.pointer));
    }, `request of ${this.path}`);
    const place: Place = { pointer: home.run(() => exports.rt_local_new(this.here, id)), owner: undefined, ended: () => {} };
    if (place.pointer === 0) {
      callbacks.remove(id);
      throw noMemory(`a request of ${this.path}`);
    }
    this.#all.push(place);
    return place;
  }

  #error(result: number, operation: string, offset: number, length: number): AioError {
    const errno = errnoName(-result);
    const what = `${this.path}: ${operation === 'flush' ? operation : `${operation} of ${length} bytes at ${offset}`}`;
    if (errno === 'ENOMEM') return noMemory(what);
    return new AioError(errno === 'ECANCELED' ? 'ERR_AIO_CANCELED' : 'ERR_AIO_IO', `${what}: ${errno}`, { errno });
  }

  plug(): void {
    if (this.#plugs++ > 0 || !this.#isHere) return;
    const { home, home: { instance: { exports } } } = this.blocks;
    home.run(() => exports.rt_local_plug(this.here, this.#engine));
  }

  unplug(): void {
    if (--this.#plugs > 0 || !this.#isHere) return;
    const { home, home: { callbacks, instance: { exports } } } = this.blocks;
    home.run(() => exports.rt_local_unplug(this.here, this.#engine, this.file.aioMaxBatch));
    // A call-back is a part of a turn of the loop, which goes on.
    if (!callbacks.running) home.arrived();
  }
}

/** The place of one request at a time. */
interface Place {
  readonly pointer: Pointer<'LocalRequest'>;
  /** Whose read or flush it is. */
  owner: object | undefined;
  ended: (result: number) => void;
}

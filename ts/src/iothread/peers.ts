// SPDX-License-Identifier: MIT
/** The connections of this IOThread to other ones, over which they call each other without a thread in between. */
import { AioError, closedError, noMemory } from '../errors.js';
import type { ContextPointer } from '../runtime/exports.js';
import type { Taker } from '../runtime/hosted.js';
import type { Instance } from '../runtime/instance.js';
import type { Handle, Slot } from '../wire/handle.js';
import { Substitute } from '../wire/substitute.js';
import type { RingReader } from '../wire/record-ring.js';
import { dataOnly, unpack, type Packet } from '../wire/unpack.js';
import type { Asked } from './asked.js';
import { BlockingCalls } from './blocking.js';
import type { Functions } from './functions.js';
import type { Control } from './links.js';
import type { FromIOThread } from './messages.js';
import { completeRemote, isSameLoop } from './remote-object.js';
import { at, awaitRings, readerOf, writerOf, type Which } from './rings.js';
import type { RpcMessage } from './record.js';
import { Rpc } from './rpc.js';
import { CallTrace } from '../trace/calls.js';
import type { Presented } from './service.js';

/** This IOThread, as its connections need it. */
interface Home {
  readonly instance: Instance;
  readonly context: ContextPointer;
  readonly name: string;
  /** The functions that were sent to the owner, those of the served object among them. */
  readonly functions: Functions;
  readonly takers: Set<Taker>;
  readonly asked: Asked;
  arrived(): void;
  /** Something was sent that may be answered soon. */
  expects(): void;
  began(): void;
  settled(): void;
  counted(): void;
  post(message: FromIOThread): void;
  fromHandle(handle: Handle): unknown;
}

type Meeting = Extract<Control, { type: 'meet' }>;

/** A connection to another IOThread. */
interface Peer {
  readonly name: string;
  readonly loop: Slot;
  readonly rings: number;
  readonly reads: Which;
  readonly rpc: Rpc;
  /** The object that the other one serves, once it was passed to this thread. */
  api: object | undefined;
  /** Why the connection has ended. */
  over: unknown;
}

export class Peers {
  /** The object that this thread serves. */
  presented: Presented | undefined;
  private loop: Slot | undefined;
  private readonly all: Peer[] = [];
  private closed = false;

  constructor(private readonly home: Home) {}

  /** Makes the handle by which other threads wake this one, until close(). */
  makeLoop(): Slot {
    const { instance: { exports }, context, name } = this.home;
    // The function given to serve() may return when the role is over, and the context is freed.
    if (this.closed) throw closedError(name);
    const number = exports.rt_loop_handle(context);
    if (number < 0) throw noMemory(`the calls of IOThread '${name}'`);
    return (this.loop = { number, generation: exports.rt_handle_generation(number) });
  }

  /** Before this thread's context is freed. */
  close(): void {
    this.closed = true;
    if (this.loop) this.home.instance.exports.rt_handle_close(this.loop.number, this.loop.generation);
    for (const { rpc } of this.all) rpc.close();
  }

  /** The object that a handle stands for, if it is that of a thread which is connected with this one, or of this one. */
  find({ aio, slots: [slot] }: Handle): object | undefined {
    if ((aio as string) !== 'iothread' || !slot) return undefined;
    if (this.loop && isSameLoop(this.loop, slot)) return this.presented?.api;
    return this.all.find(({ loop, api }) => api && isSameLoop(loop, slot))?.api;
  }

  /** Takes what is due of what the others have sent. */
  take(): void {
    for (const { rpc } of [...this.all]) rpc.take();
  }

  control(control: Control): void {
    if (control.type === 'meet') return this.meet(control);
    const peer = this.all.find(({ rings }) => rings === control.rings);
    if (!peer) return;
    if (control.type === 'part') return this.part(peer, control.error);
    const { rpc: { functions }, name, loop } = peer;
    peer.api = completeRemote(unpack(control.api, functions) as object, functions, name, loop);
  }

  private meet(meeting: Meeting): void {
    const { instance, functions, takers } = this.home;
    const { name, loop, rings, reads } = meeting;
    const peer: Omit<Peer, 'rpc'> = { name, loop, rings, reads, api: undefined, over: undefined };
    const rpc = this.connect(meeting, peer);
    this.all.push(Object.assign(peer, { rpc }));
    if (this.presented) rpc.functions.offer(functions, this.presented.functions);
    this.ownerRing.link(readerOf(instance, rings, reads), at(rings, reads));
    takers.add(rpc);
  }

  /** The ring that leads from the owner to this thread, the first of the list that the loop in WebAssembly looks at. */
  private get ownerRing(): RingReader {
    const { instance, context } = this.home;
    return readerOf(instance, instance.exports.rt_calls(context), 'in');
  }

  private connect({ name, loop: { number, generation }, rings, reads, port }: Meeting, peer: { readonly over: unknown }): Rpc {
    const { home, home: { instance, instance: { exports, memory }, asked } } = this;
    const rpc: Rpc = new Rpc({
      name,
      trace: new CallTrace(instance, reads === 'in' ? 'out' : 'in'),
      writer: writerOf(instance, rings, reads === 'in' ? 'out' : 'in'),
      reader: readerOf(instance, rings, reads),
      // It does nothing if the other thread has ended.
      wake: () => {
        exports.rt_handle_signal(number, generation);
        home.expects();
      },
      post: (message, transfer = []) => {
        port.postMessage(message, transfer);
        exports.rt_loop_posted(number, generation);
      },
      arrived: home.arrived,
      began: home.began,
      settled: home.settled,
      assertOpen: () => {
        if (peer.over) throw peer.over as Error;
      },
      ask: (start) => asked.ask(start, rpc),
      settle: (id, how, value) => asked.settle(id, how, value),
      fromHandle: home.fromHandle,
      waits: new BlockingCalls({
        ring: at(rings, reads),
        begin() {
          const waiting = exports.rt_await_begin(number, generation);
          if (waiting === 0) return;
          const bare = (thread: string): string => thread.replace(/^IO /, '');
          const [self, last] = [bare(home.name), bare(memory.string(waiting))];
          throw new AioError('ERR_AIO_DEADLOCK', `IOThread '${self}' cannot wait for an answer of IOThread '${name}': ` +
            `IOThread '${last}' waits for an answer of IOThread '${self}'${last === name ? '' : `, and '${name}' for that`} (sync); await one of the calls`);
        },
        sleep: (...of) => awaitRings(exports, at(rings, reads), ...of),
        end: () => exports.rt_await_end(),
        ended: (how) => new AioError(how === 1 ? 'ERR_AIO_CLOSED' : 'ERR_AIO_THREAD_LOST', `IOThread '${name}' has ended during a blocking call`),
      }),
    });
    const messages = new Substitute((message) => {
      home.counted();
      if ((message as RpcMessage).type === 'rpc') rpc.receive(message as RpcMessage);
    });
    port.onmessage = ({ data }) => messages.receive(data);
    port.onmessageerror = () => messages.unreadable();
    // In Node the port would keep the event loop busy. It stays open as long as this thread lives, since it may get messages that
    // were counted before the other thread ended.
    (port as { unref?(): void }).unref?.();
    return rpc;
  }

  private part(peer: Peer, error: Packet): void {
    const { rings, reads, rpc } = peer;
    const { instance, asked, takers, post } = this.home;
    this.all.splice(this.all.indexOf(peer), 1);
    // Answers that the other thread has sent before its end are answers.
    rpc.drain();
    peer.over = unpack(error, dataOnly);
    rpc.close(peer.over);
    asked.reject(rpc, peer.over);
    takers.delete(rpc);
    this.ownerRing.unlink(at(rings, reads), (address) => readerOf(instance, address, 'in'));
    post({ type: 'parted', rings });
  }
}

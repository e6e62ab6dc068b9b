// SPDX-License-Identifier: MIT
/** The control plane of an IOThread: comlink over the worker's own channel. */
import * as Comlink from 'comlink';
import type { AioErrorCode } from '../error-codes.js';
import { AioError } from '../errors.js';

/** An answer: comlink by itself keeps only an error's name, message and stack. */
export interface Answer {
  value?: unknown;
  error?: { name: string; message: string; stack: string | undefined; code?: unknown; errno?: unknown };
}

/** What every IOThread's worker offers. */
export interface ControlApi {
  /** The monotonic clock of that thread, in ns. */
  clock(): number;
  /** Calls an exported C function there. */
  call(name: string, args: number[]): Answer | Promise<never>;
}

export type Control = Comlink.Remote<ControlApi>;

type Listener = (event: { data: unknown }) => void;

/** A comlink endpoint whose messages are passed on by the caller. */
export class ControlEndpoint {
  private readonly listeners = new Set<Listener>();

  constructor(private readonly send: (data: unknown, transfer?: Transferable[]) => void) {}

  postMessage(data: unknown, transfer?: Transferable[]): void {
    this.send(data, transfer);
  }

  addEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.add(listener as unknown as Listener);
  }

  removeEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.delete(listener as unknown as Listener);
  }

  receive(data: unknown): void {
    // comlink reads `origin` of window messages only.
    for (const listener of this.listeners) listener({ data, origin: '' } as { data: unknown });
  }
}

export function serve(api: ControlApi, endpoint: ControlEndpoint): void {
  Comlink.expose(api, endpoint);
}

export function connect(endpoint: ControlEndpoint): Control {
  return Comlink.wrap<ControlApi>(endpoint);
}

export function answer(work: () => unknown): Answer {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof Error)) return { error: { name: 'Error', message: String(error), stack: undefined } };
    const { name, message, stack, code, errno } = error as Error & { code?: unknown; errno?: unknown };
    return { error: { name, message, stack, code, errno } };
  }
}

/** The value, or the error thrown again. */
export function unwrap(result: Answer): unknown {
  if (!result.error) return result.value;
  const { name, message, stack, code, errno } = result.error;
  const error =
    name === 'AioError'
      ? new AioError(code as AioErrorCode, message, typeof errno === 'string' ? { errno } : {})
      : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  throw error;
}

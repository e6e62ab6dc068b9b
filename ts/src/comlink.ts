// SPDX-License-Identifier: MIT
/**
 * The entry `wasm-aio/comlink`: endpoints over an IOThread's own connection, for comlink's wrap() and expose(). A call through
 * one wakes a loop that sleeps in WebAssembly, which a message of comlink's own does not.
 */
import { checkThat, isFunction, isObject as isAnObject } from './check.js';
import { answerSync, type SyncService } from './iothread/comlink-sync.js';
import { AioError } from './errors.js';
import { transfer } from './wire/marks.js';
import { release } from './wire/release.js';

export { wrapSync, type SyncRemote } from './iothread/comlink-sync.js';

/** What comlink needs of an endpoint; comlink's own type Endpoint is assignable to it, and it to that. */
export interface ComlinkEndpoint {
  /** Sends a message to the other end. */
  postMessage(message: unknown, transfer?: Transferable[]): void;
  /** Adds a listener of messages that come from the other end. */
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: object): void;
  /** Removes a listener. */
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: object): void;
  /** Does nothing: messages are delivered as soon as there is a listener. */
  start(): void;
}

/** A message of comlink's, as far as this file looks at it. */
interface Message {
  id?: string;
  type?: string;
  path?: unknown;
  value?: unknown;
}
type Listener = (event: { data: unknown; ports: readonly MessagePort[]; origin: string }) => void;

/** Delivers a message to the other end; settles when it was answered there, if it asks for an answer. */
type Deliver = (parcel: Parcel) => void | Promise<void>;
/** A message, and where in it a port of comlink's has to stand: the functions that connect it. */
interface Parcel {
  message: unknown;
  bridges: { path: string[]; connect: (deliver: Deliver) => Deliver }[];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isRelease = (message: Message): boolean => message.type === 'RELEASE';
const isRequest = (message: Message): boolean => typeof message.id === 'string' && (Array.isArray(message.path) || isRelease(message));

/** Calls found() for each port that comlink itself has put into a message: as the value of a transfer handler. */
function eachPort(at: unknown, path: string[], found: (port: MessagePort, path: string[]) => void): void {
  if (!isObject(at) || path.length > 8) return;
  if (at['type'] === 'HANDLER' && at['value'] instanceof MessagePort) return found(at['value'], [...path, 'value']);
  for (const key of ['value', 'argumentList']) if (Object.hasOwn(at, key)) eachPort(at[key], [...path, key], found);
  if (Array.isArray(at)) at.forEach((member, n) => eachPort(member, [...path, String(n)], found));
}

/** The message with other values at these paths. The objects on the way to them are copied. */
function replaced(message: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const copy = (Array.isArray(message) ? [...(message as unknown[])] : { ...(message as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, value);
  return copy;
}

/** One end of a connection that carries comlink's messages. */
class End implements ComlinkEndpoint {
  private readonly listeners = new Map<unknown, Listener>();
  private readonly unheard: unknown[] = [];
  /** What to do when a request that came from the other end is answered, by its number. */
  private readonly open = new Map<string, () => void>();
  /** The numbers of requests to end the connection. */
  private readonly ending = new Set<string>();
  private connected!: (deliver: Deliver) => void;
  private readonly peer = new Promise<Deliver>((resolve) => (this.connected = resolve));

  /**
   * makePort: makes what stands in a message for a port of the other thread. ports: those of this thread that the
   * connection keeps open, which would keep the process alive after its end.
   */
  constructor(readonly ports: Set<MessagePort>, private readonly makePort: (connect: (deliver: Deliver) => Deliver) => object, private readonly port?: MessagePort) {}

  connect(deliver: Deliver): void {
    this.connected(deliver);
  }

  addEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.set(listener, (event) => (typeof listener === 'function' ? listener(event as unknown as Event) : listener.handleEvent(event as unknown as Event)));
    for (const data of this.unheard.splice(0)) this.dispatch(data);
  }

  removeEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners.delete(listener);
  }

  start(): void {}

  postMessage(message: unknown, list: Transferable[] = []): void {
    void this.send(message as Message, list);
  }

  /** Receives a message of the other end. */
  readonly deliver: Deliver = ({ message: sent, bridges }) => {
    let message = sent;
    for (const { path, connect } of bridges) message = replaced(message, path, this.makePort(connect));
    const { id } = message as Message;
    if (!isRequest(message as Message)) {
      this.dispatch(message);
      return id !== undefined && this.ending.delete(id) ? this.disconnect() : undefined;
    }
    if (isRelease(message as Message)) this.ending.add(id as string);
    // While the promise is pending, the thread's JavaScript goes on.
    const answered = new Promise<void>((resolve) => this.open.set(id as string, resolve));
    this.dispatch(message);
    return answered;
  };

  private dispatch(data: unknown): void {
    if (this.listeners.size === 0) this.unheard.push(data);
    for (const listener of [...this.listeners.values()]) listener({ data, ports: [], origin: '' });
  }

  private async send(message: Message, list: Transferable[]): Promise<void> {
    const deliver = await this.peer;
    const { id } = message;
    const request = isRequest(message);
    if (request && isRelease(message)) this.ending.add(id as string);
    try {
      const parcel: Parcel = { message, bridges: [] };
      const bridged = new Set<unknown>();
      eachPort(message, [], (port, path) => {
        bridged.add(port);
        parcel.message = replaced(parcel.message, path, null);
        parcel.bridges.push({ path, connect: (deliver) => relay(this.ports, port, deliver) });
      });
      const rest = list.filter((item) => !bridged.has(item));
      const sent = deliver(rest.length > 0 ? transfer(parcel, rest) : parcel);
      // The answer was sent when the call has been made: whoever waits for it may go on.
      if (!request && id !== undefined) this.answered(id);
      await sent;
    } catch (error) {
      this.failed(message, error);
    }
  }

  private answered(id: string): void {
    this.open.get(id)?.();
    this.open.delete(id);
    if (this.ending.delete(id)) void this.disconnect();
  }

  /** A message could not be sent. Its sender, or whoever waits for it as an answer, gets the error. */
  private failed(sent: Message, error: unknown): void {
    const { id } = sent;
    const { message, name, stack } = error as Error;
    const thrown = { id, type: 'HANDLER', name: 'throw', value: { isError: true, value: { message, name, stack } } };
    if (isRequest(sent)) this.dispatch(thrown);
    else if (id !== undefined) void this.peer.then((deliver) => deliver({ message: thrown, bridges: [] })).catch(() => {});
  }

  /** Both ends know that no message follows: the functions that connect them are released. */
  private async disconnect(): Promise<void> {
    if (this.port) {
      this.port.close();
      this.ports.delete(this.port);
    }
    release(await this.peer);
  }
}

/** Connects a port of this thread with the other thread's end, and returns what delivers messages to the port. */
function relay(ports: Set<MessagePort>, port: MessagePort, deliver: Deliver): Deliver {
  ports.add(port);
  // A port travels through a port of this thread: what stands for one of the other thread has to be a port as well.
  const end = new End(ports, (connect) => {
    const { port1, port2 } = new MessageChannel();
    connectTo(connect, (theirs) => relay(ports, port1, theirs));
    return port2;
  }, port);
  end.connect(deliver);
  end.addEventListener('message', ((event: MessageEvent) => {
    const list: MessagePort[] = [];
    eachPort(event.data, [], (found) => list.push(found));
    port.postMessage(event.data, list);
  }) as EventListener);
  port.onmessage = (event) => end.postMessage(event.data, [...event.ports]);
  return end.deliver;
}

/** Connects, where what delivers to this side is made of what delivers to the other. */
function connectTo(connect: (deliver: Deliver) => Deliver | Promise<Deliver>, make: (theirs: Deliver) => Deliver): void {
  let ours: Deliver | undefined;
  const early: Parcel[] = [];
  const theirs = Promise.resolve(connect((parcel) => (ours ? ours(parcel) : void early.push(parcel))));
  void theirs.then((deliver) => {
    // It was needed once.
    release(connect);
    ours = make(deliver);
    for (const parcel of early) void ours(parcel);
  });
}

/** The end of a connection in a thread, whose ports are objects that send at once. */
function newEnd(ports = new Set<MessagePort>()): End {
  return new End(ports, (connect) => {
    const end = newEnd(ports);
    connectTo(connect, (theirs) => {
      end.connect(theirs);
      return end.deliver;
    });
    return end;
  });
}

interface ComlinkService extends SyncService {
  comlink(deliver: Deliver): Deliver;
}

/** What exposeSync() was given, by the endpoint. */
const exposed = new WeakMap<object, object>();

const ends = new WeakMap<object, End>();
const isIOThread = checkThat('an IOThread', (value) => isObject(value) && 'remote' in value && 'closed' in value);

/**
 * Returns the endpoint that leads to an IOThread whose code has called {@link serveEndpoint}: `Comlink.wrap<Api>(endpoint(io))`.
 * For the thread that owns the runtime. Calls reject as those of `io.remote` do when the IOThread ends.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, or the IOThread's code serves no endpoint
 */
export function endpoint(io: { readonly name: string; readonly remote: unknown; readonly closed: Promise<unknown> }): ComlinkEndpoint {
  isIOThread('io', io);
  const known = ends.get(io);
  if (known) return known;
  const remote = io.remote as Partial<{ comlink(deliver: Deliver): Promise<Deliver> }>;
  if (typeof remote.comlink !== 'function') {
    throw new AioError('ERR_AIO_INVALID_ARG', `IOThread '${io.name}' serves no endpoint: call serveEndpoint(serve) (wasm-aio/comlink) in its code`);
  }
  const end = newEnd();
  ends.set(io, end);
  const close = (): void => {
    for (const port of end.ports) port.close();
  };
  io.closed.then(close, close);
  void remote.comlink(end.deliver).then((deliver) => end.connect(deliver), () => {});
  return end;
}

/**
 * Serves an endpoint to the thread that owns this IOThread, and returns its end here: `Comlink.expose(api,
 * serveEndpoint(serve))`. Call it in the place of serve(), once, in the worker's file. serve: that of `wasm-aio/iothread`.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, serve() was called already, or this thread is not an IOThread
 */
export function serveEndpoint(serve: (api: object) => unknown): ComlinkEndpoint {
  isFunction('serve', serve);
  const end = newEnd();
  const service: ComlinkService = {
    comlink: (deliver) => {
      end.connect(deliver);
      return end.deliver;
    },
    comlinkSync: (request) => {
      const api = exposed.get(end);
      if (!api) throw new AioError('ERR_AIO_INVALID_ARG', 'this IOThread exposes nothing for blocking calls: call exposeSync(api, serveEndpoint(serve)) in its code');
      return answerSync(api, request);
    },
  };
  serve(service);
  return end;
}

const isEnd = checkThat('what serveEndpoint() has returned', (value) => value instanceof End);

/**
 * Exposes an object to other IOThreads, which use it by {@link wrapSync}: `exposeSync(api, serveEndpoint(serve))`. comlink's own
 * `expose(api, endpoint)` may be called with the same endpoint as well.
 * @throws AioError ERR_AIO_INVALID_ARG
 */
export function exposeSync(api: object, endpoint: ComlinkEndpoint): void {
  if (typeof api !== 'function') isAnObject('api', api);
  isEnd('endpoint', endpoint);
  exposed.set(endpoint, api);
}

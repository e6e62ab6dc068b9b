// SPDX-License-Identifier: MIT
/** The owner's side of the sockets that a guest opens: it listens and connects for them, and never blocks. */
import { errnoNumber } from '../errno.js';
import { AioError, hostErrno } from '../errors.js';
import { Backlog } from './backlog.js';
import { Kind } from './descriptor.js';
import type { Pump } from './pump.js';
import { Ring } from './ring.js';
import type { Shared } from './shared.js';
import { ADDRESS_BYTES, AF_INET, AF_INET6, endpointOf, isAny, isLoopback, nameOf, type Endpoint } from './sockaddr.js';
import { Socket, SocketState } from './socket.js';
import type { AioStream } from './stream.js';
import type { Listening, Surroundings } from './surroundings.js';
import type { FdTable } from './table.js';

const errnoOf = (error: unknown): number => errnoNumber((error instanceof AioError && error.errno) || hostErrno(error));

/** So often a free port is looked for that both IPv6 and IPv4 have. */
const PORT_TRIES = 20;
/** The most bytes of a host's name. */
const MAX_HOST_NAME = 256;

/** Serves the requests of sockets. allowed: other addresses than the loopback's may be used. */
export class Net {
  /** By the index of the listener's ring, which nobody else gets before the backlog has seen that the guest has closed it. */
  private readonly listening = new Map<number, { listening: Listening; backlog: Backlog }>();

  constructor(
    private readonly shared: Shared, private readonly table: FdTable, private readonly pump: Pump,
    private readonly around: Surroundings | undefined, private readonly allowed: boolean,
    private readonly warn: (text: string) => void,
    private readonly serve: (stream: AioStream) => { read?: Ring; write?: Ring },
  ) {
    pump.onRequest = (ring) => this.request(new Ring(shared, ring));
  }

  private request(ring: Ring): void {
    const object = ring.takeRequest();
    if (object < 0) return;
    // What the guest has closed before it asked is closed by now.
    for (const { backlog } of [...this.listening.values()]) backlog.look();
    const socket = new Socket(this.shared, object);
    const serial = this.table.serialOf(object);
    const work = socket.state === SocketState.binding ? this.bind(socket, ring, serial)
      : socket.state === SocketState.connecting ? this.connect(socket, ring, serial)
        : socket.state === SocketState.resolving ? this.resolve(socket, ring, serial) : Promise.resolve();
    work.catch((error: unknown) => this.settle(socket, ring, serial, SocketState.failed, errnoOf(error)));
  }

  /** Ends a request, unless the guest has closed the socket meanwhile. Returns whether it has not. */
  private settle(socket: Socket, ring: Ring, serial: number, state: SocketState, errno = 0, names: { own?: Uint8Array; peer?: Uint8Array } = {}): boolean {
    const there = this.table.whileOpen(socket.index, serial, (descriptor) => {
      if (names.own) socket.own = names.own;
      if (names.peer) socket.peer = names.peer;
      if (errno !== 0) socket.error = errno;
      if (state === SocketState.connected) descriptor.become(Kind.stream);
      socket.state = state;
    });
    if (there) ring.changed();
    return there;
  }

  /** The address to use; fails if the guest may not. A guest that may use the loopback alone gets that for "any address". */
  private address(name: Uint8Array, what: string): Endpoint {
    const at = endpointOf(name);
    if (!at) throw Object.assign(new Error('no address'), { code: 'EAFNOSUPPORT' });
    const any = isAny(at.host);
    if (this.allowed || isLoopback(at.host)) return what === 'connect to' && any ? this.loopback(at) : at;
    if (any) return this.loopback(at);
    if (what === 'listen on' && !this.isOwn(at)) throw Object.assign(new Error('no such address'), { code: 'EADDRNOTAVAIL' });
    this.warn(`the program may not ${what} ${at.host}:${at.port}: only the loopback is allowed, unless --allow-net (allowNet) allows more`);
    throw Object.assign(new Error('not allowed'), { code: 'EACCES' });
  }

  /** Whether it is an address of this machine, or the host does not say which it has. */
  private isOwn({ host }: Endpoint): boolean {
    const bytes = (address: string): string => nameOf({ host: address, port: 0 }, AF_INET6).join();
    const own = this.around?.ownAddresses();
    return own === undefined || own.some((address) => bytes(address) === bytes(host));
  }

  private loopback({ host, port }: Endpoint): Endpoint {
    return { host: host.includes(':') ? '::1' : '127.0.0.1', port };
  }

  private async bind(socket: Socket, ring: Ring, serial: number): Promise<void> {
    const { domain, own } = socket;
    const at = this.address(own, 'listen on');
    const backlog = new Backlog(this.shared, ring, this.serve, domain);
    const listening = await this.listen(socket, at, (stream, ends) => {
      // Natively, nobody could connect before listen().
      if (socket.state === SocketState.listening) backlog.add(stream, ends);
      else stream.abort();
    });
    const asked = endpointOf(own)?.host ?? at.host;
    this.listening.set(ring.index, { listening, backlog });
    backlog.whenClosed = () => {
      listening.close();
      this.listening.delete(ring.index);
      this.pump.detach(ring);
    };
    this.pump.attach(ring, backlog);
    this.settle(socket, ring, serial, SocketState.bound, 0, { own: nameOf({ host: asked, port: listening.port }, domain) });
    backlog.look();
  }

  /** Any address of IPv6 includes those of IPv4, unless the socket is for IPv6 alone. Node does the same for `::`, and so two servers are needed on the loopback. */
  private async listen(socket: Socket, { host, port }: Endpoint, onConnection: Parameters<Surroundings['listen']>[3]): Promise<Listening> {
    const { around } = this;
    if (!around) throw Object.assign(new Error('no network'), { code: 'EADDRNOTAVAIL' });
    const first = await around.listen(host, port, socket.isOnlyIpv6, onConnection);
    const isBoth = !socket.isOnlyIpv6 && host === '::1' && isAny(endpointOf(socket.own)?.host ?? host);
    if (!isBoth) return first;
    for (let six = first, tries = 1; ; tries++) {
      try {
        const four = await around.listen('127.0.0.1', six.port, false, onConnection);
        return { port: six.port, close: () => [six, four].forEach((one) => one.close()) };
      } catch (error) {
        six.close();
        // A free port of IPv6 may be taken by another program's IPv4.
        if (port !== 0 || tries === PORT_TRIES) throw error;
        six = await around.listen(host, 0, false, onConnection);
      }
    }
  }

  private async connect(socket: Socket, ring: Ring, serial: number): Promise<void> {
    const { domain, peer } = socket;
    let write: Ring | undefined;
    this.table.whileOpen(socket.index, serial, ({ writeRing }) => (write = writeRing));
    if (!write) return;
    try {
      if (!this.around) throw Object.assign(new Error('no network'), { code: 'ENETUNREACH' });
      const at = this.address(peer, 'connect to');
      const before = this.listening.get(ring.index);
      if (before) {
        // It was bound: the connection comes from that port.
        this.listening.delete(ring.index);
        this.pump.detach(ring);
        before.listening.close();
      }
      const { stream, ends } = await this.around.connect(at.host, at.port, before?.listening.port, (local) => {
        this.settle(socket, ring, serial, SocketState.connecting, 0, { own: nameOf(local, domain) });
      });
      this.settle(socket, ring, serial, SocketState.connected, 0, { own: nameOf(ends.local, domain), peer: nameOf(ends.remote, domain) });
      this.pump.feed(stream, ring);
      this.pump.drain(stream, write);
    } catch (error) {
      const errno = errnoOf(error);
      this.settle(socket, ring, serial, SocketState.failed, errno);
      ring.endWriting();
      ring.drop();
      write.closeReader();
    }
  }

  /** Looks up the name that the guest has written into the socket, and answers with the addresses. */
  private async resolve(socket: Socket, ring: Ring, serial: number): Promise<void> {
    const name = new Uint8Array(MAX_HOST_NAME);
    let write: Ring | undefined;
    let length = 0;
    const { options: family } = socket;
    this.table.whileOpen(socket.index, serial, ({ writeRing }) => {
      write = writeRing;
      length = writeRing?.read(name) ?? 0;
    });
    if (!write) return;
    try {
      for (const address of await this.addresses(new TextDecoder().decode(name.subarray(0, length)), family)) {
        if (ring.room >= ADDRESS_BYTES) ring.write(address);
      }
      this.settle(socket, ring, serial, SocketState.resolved);
    } catch (error) {
      this.settle(socket, ring, serial, SocketState.failed, errnoOf(error));
    } finally {
      ring.endWriting();
      ring.drop();
      write.closeReader();
    }
  }

  /** The addresses of a host, each a sockaddr in ADDRESS_BYTES bytes. */
  private async addresses(host: string, family: number): Promise<Uint8Array[]> {
    const fails = (code: string): Error => Object.assign(new Error(`cannot look up ${host}`), { code });
    if (!this.around) throw fails('ENETUNREACH');
    if (!this.allowed) {
      this.warn(`the program may not look up ${host}: names of hosts need --allow-net (allowNet)`);
      throw fails('EACCES');
    }
    try {
      return (await this.around.resolve(host, family === AF_INET ? 4 : family === AF_INET6 ? 6 : 0)).map((address) => {
        const bytes = new Uint8Array(ADDRESS_BYTES);
        bytes.set(nameOf({ host: address, port: 0 }, address.includes(':') ? AF_INET6 : AF_INET));
        return bytes;
      });
    } catch (error) {
      const { code } = error as { code?: unknown };
      throw fails(code === 'ENOTFOUND' || code === 'ENODATA' ? 'ENOENT' : code === 'EAI_AGAIN' ? 'EAGAIN' : 'EIO');
    }
  }

  /** Stops listening; the guest has ended. */
  close(): void {
    for (const { listening } of this.listening.values()) listening.close();
    this.listening.clear();
  }
}

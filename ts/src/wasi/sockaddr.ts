// SPDX-License-Identifier: MIT
/** The addresses of sockets, as the bytes of a `struct sockaddr` of the guest. */

export const AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10;

/** The most bytes of an address of the internet. */
export const ADDRESS_BYTES = 28;

/** An address of the internet, as Node has it. */
export interface Endpoint {
  host: string;
  port: number;
}

/** The address in a sockaddr_in or sockaddr_in6; undefined if it is none. */
export function endpointOf(name: Uint8Array): Endpoint | undefined {
  const view = new DataView(name.buffer, name.byteOffset, name.byteLength);
  if (name.length < 2) return undefined;
  const family = view.getUint16(0, true);
  if (family === AF_INET && name.length >= 16) return { host: name.subarray(4, 8).join('.'), port: view.getUint16(2) };
  if (family !== AF_INET6 || name.length < 28) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i).toString(16));
  return { host: groups.join(':'), port: view.getUint16(2) };
}

/** The sockaddr of an address, in the family of the socket: an IPv4 address of an IPv6 socket is a mapped one. */
export function nameOf({ host, port }: Endpoint, family: number): Uint8Array {
  const name = new Uint8Array(family === AF_INET6 ? 28 : 16);
  const view = new DataView(name.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  const four = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(host);
  if (four) {
    const bytes = four.slice(1).map(Number);
    if (family === AF_INET6) name.set([255, 255, ...bytes], 18);
    else name.set(bytes, 4);
    return name;
  }
  if (family !== AF_INET6) return name;
  const [head = '', tail] = (host.split('%')[0] ?? '').split('::');
  const groups = (text: string | undefined): number[] => (text ? text.split(':').map((group) => parseInt(group, 16)) : []);
  const [first, last] = [groups(head), groups(tail)];
  first.forEach((group, i) => view.setUint16(8 + 2 * i, group));
  last.forEach((group, i) => view.setUint16(24 - 2 * (last.length - i), group));
  return name;
}

const zeros = (host: string): boolean => /^(?:0\.0\.0\.0|[0:]+)$/.test(host);
/** Whether it is an address of the loopback interface. */
export const isLoopback = (host: string): boolean => /^(?:::ffff:)?127\./i.test(host) || /^(?:0*:)+0*1$/.test(host) || /^0:0:0:0:0:ffff:7f/i.test(host);
/** Whether it stands for all addresses of this machine. */
export const isAny = (host: string): boolean => zeros(host);

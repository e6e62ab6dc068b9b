// SPDX-License-Identifier: MIT
/** The NBD server: the handshake, each option and each command, by a client that sends bytes. */
import { expect, test } from '@jest/globals';
import { CMD, DF, EINVAL, EIO, ENOSPC, ENOTSUP, EPERM, FAST_ZERO, FUA, NO_HOLE, OPT, RawNbd, REP, goData, metaData, option, request, text, u16, u32, u64 } from './helpers/nbd-client.js';
import { nbdServers } from './helpers/nbd-server.js';

const start = nbdServers();

const SIZE = 65536;
/** HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_WRITE_ZEROES, CAN_MULTI_CONN, SEND_CACHE, SEND_FAST_ZERO. */
const FLAGS = 0b1101_0100_1101;
const SEND_DF = 1 << 7;
/** HAS_FLAGS, READ_ONLY, SEND_FLUSH, CAN_MULTI_CONN, SEND_CACHE. */
const READ_ONLY_FLAGS = 0b101_0000_0111;

test.each([
  ['with 124 zeros', 1, 134],
  ['without them', 3, 10],
  ['of a client that does not know fixed newstyle', 0, 134],
])('NBD_OPT_EXPORT_NAME, %s', async (_, flags, length) => {
  const { path, file } = await start({ name: 'disk' });
  const client = await RawNbd.connect(path);
  expect(await client.greet(flags)).toBe(3);
  client.send(option(OPT.EXPORT_NAME, Buffer.from('disk')));
  const reply = await client.bytes(length);
  expect(reply).toEqual(Buffer.concat([u64(SIZE), u16(FLAGS), Buffer.alloc(length - 10)]));
  const { data } = await client.ask({ type: CMD.READ, offset: 512, length: 1024, cookie: 0xfedcba9876543210n });
  expect(data).toEqual(file.content.subarray(512, 1536));
  expect(client.left).toBe(0);
});

test('NBD_OPT_GO and NBD_OPT_INFO tell what they are asked for', async () => {
  const { path } = await start({ name: 'disk' });
  const client = await RawNbd.connect(path);
  await client.greet();
  const exported = { option: OPT.INFO, type: REP.INFO, data: Buffer.concat([u16(0), u64(SIZE), u16(FLAGS)]) };
  const ack = { option: OPT.INFO, type: REP.ACK, data: Buffer.alloc(0) };
  expect(await client.negotiate(OPT.INFO, goData())).toEqual([exported, ack]);
  expect(await client.negotiate(OPT.INFO, goData('disk', 1, 3, 77))).toEqual([
    exported,
    { option: OPT.INFO, type: REP.INFO, data: Buffer.concat([u16(1), Buffer.from('disk')]) },
    { option: OPT.INFO, type: REP.INFO, data: Buffer.concat([u16(3), u32(1), u32(4096), u32(32 * 1024 ** 2)]) },
    ack,
  ]);
  await client.acked(OPT.STRUCTURED_REPLY);
  expect((await client.negotiate(OPT.GO, goData('disk')))[0]?.data).toEqual(Buffer.concat([u16(0), u64(SIZE), u16(FLAGS | SEND_DF)]));
  client.isStructured = true;
  expect(await client.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0, isLast: true });
});

test('other options, refusals, and what is none', async () => {
  const { path } = await start({ name: 'disk' });
  const client = await RawNbd.connect(path);
  await client.greet();
  const types = async (number: number, data?: Uint8Array): Promise<number[]> => (await client.negotiate(number, data)).map(({ type }) => type);
  expect((await client.negotiate(OPT.LIST))[0]).toEqual({ option: OPT.LIST, type: REP.SERVER, data: text('disk') });
  expect(await types(OPT.LIST, Buffer.from('x'))).toEqual([REP.ERR_INVALID]);
  for (const unknown of [OPT.PEEK, OPT.STARTTLS, 11, 0xffffffff]) expect(await types(unknown, Buffer.alloc(3))).toEqual([REP.ERR_UNSUP]);
  expect(await types(OPT.GO, goData('other'))).toEqual([REP.ERR_UNKNOWN]);
  const wrong = [Buffer.alloc(0), u32(5), Buffer.concat([text('disk'), u16(3), u16(0)]), Buffer.concat([goData('disk'), u16(0)]), Buffer.concat([u32(0xffffffff), Buffer.alloc(8)])];
  for (const data of wrong) expect(await types(OPT.GO, data)).toEqual([REP.ERR_INVALID]);
  // Contexts come after structured replies.
  expect(await types(OPT.SET_META_CONTEXT, metaData('', 'base:allocation'))).toEqual([REP.ERR_INVALID]);
  expect(await types(OPT.STRUCTURED_REPLY, Buffer.alloc(1))).toEqual([REP.ERR_INVALID]);
  expect(await types(OPT.STRUCTURED_REPLY)).toEqual([REP.ACK]);
  expect((await client.negotiate(OPT.LIST_META_CONTEXT, metaData('disk')))[0]).toEqual({ option: OPT.LIST_META_CONTEXT, type: REP.META_CONTEXT, data: Buffer.concat([u32(0), Buffer.from('base:allocation')]) });
  expect(await types(OPT.LIST_META_CONTEXT, metaData('disk', 'base:'))).toEqual([REP.META_CONTEXT, REP.ACK]);
  expect(await types(OPT.SET_META_CONTEXT, metaData('disk', 'base:'))).toEqual([REP.ACK]);
  expect(await types(OPT.SET_META_CONTEXT, metaData('disk', 'qemu:dirty', 'base:allocation'))).toEqual([REP.META_CONTEXT, REP.ACK]);
  expect(await types(OPT.SET_META_CONTEXT, Buffer.concat([text('disk'), u32(1), u32(70)]))).toEqual([REP.ERR_INVALID]);
  expect(await types(OPT.SET_META_CONTEXT, metaData('other', 'base:allocation'))).toEqual([REP.ERR_UNKNOWN]);
  await client.acked(OPT.ABORT);
  await client.ended;
});

test.each([
  ['unknown client flags', [u32(4)], /unknown client flags 0x4: the connection was closed/],
  ['an option of a client without fixed newstyle', [u32(0), option(OPT.LIST)], /option 3 of a client that does not know/],
  ['wrong magic of an option', [u32(3), Buffer.from('IHAVEOPS'), u32(1), u32(0)], /an option has the wrong magic 0x49484156454f5053/],
  ['an option that is too long', [u32(3), Buffer.from('IHAVEOPT'), u32(99), u32(65537)], /option 99 has 65537 bytes, more than 65536/],
  ['a name that there is not', [u32(3), option(OPT.EXPORT_NAME, Buffer.from('x\n'))], /there is no export 'x\n'/],
  ['more options than any client sends', [u32(3), ...Array.from({ length: 257 }, () => option(OPT.LIST))], /more than 256 options/],
  ['wrong magic of a request', [u32(3), option(OPT.GO, goData()), request({ type: CMD.READ, magic: 0x25609514 })], /a request has the wrong magic 0x25609514/],
  ['a write that is too large', [u32(3), option(OPT.GO, goData()), request({ type: CMD.WRITE, length: 32 * 1024 ** 2 + 1 })], /a write has 33554433 bytes, more than 33554432/],
])('%s ends the connection, and no other', async (_, parts, words) => {
  const { path, says } = await start();
  const other = await RawNbd.go(path);
  const client = await RawNbd.connect(path);
  client.send(...parts);
  await says(words);
  await client.ended;
  expect(await other.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
});

test('messages may come byte by byte, and many at once', async () => {
  const { path, file } = await start();
  const client = await RawNbd.connect(path);
  const data = Buffer.from('written in pieces');
  const all = Buffer.concat([
    u32(3), option(OPT.GO, goData()), request({ type: CMD.WRITE, offset: 100, data, cookie: 1 }), request({ type: CMD.WRITE, data: Buffer.alloc(0), cookie: 2 }), request({ type: CMD.FLUSH, cookie: 3 }),
  ]);
  client.socket.setNoDelay();
  await client.bytes(18);
  for (const byte of all) {
    client.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  for (const type of [REP.INFO, REP.ACK]) expect((await client.optionReply()).type).toBe(type);
  expect([(await client.reply()).cookie, (await client.reply()).cookie, (await client.reply()).cookie].sort()).toEqual([1n, 2n, 3n]);
  expect(file.content.toString('latin1', 100, 117)).toBe('written in pieces');
});

test.each([[false], [true]])('each command, with structured replies: %s', async (structured) => {
  const { path, file } = await start();
  const client = await RawNbd.go(path, { structured, meta: structured });
  const cookie = 0xfedcba9800000005n;
  const good = { error: 0, isLast: true, cookie };
  const content = (from: number, length: number): Buffer => Buffer.concat([structured ? u64(from) : Buffer.alloc(0), file.content.subarray(from, from + length)]);
  expect(await client.ask({ type: CMD.READ, offset: 1, length: 3, cookie })).toEqual({ ...good, data: content(1, 3), ...(structured && { type: 1 }) });
  expect(await client.ask({ type: CMD.READ, offset: 3, length: 0, cookie })).toEqual({ ...good, data: Buffer.alloc(0), ...(structured && { type: 0 }) });
  expect(await client.ask({ type: CMD.WRITE, offset: 8, data: Buffer.from('abc'), cookie })).toMatchObject(good);
  expect(file.content.toString('latin1', 8, 11)).toBe('abc');
  expect(await client.ask({ type: CMD.FLUSH, cookie })).toMatchObject(good);
  expect(await client.ask({ type: CMD.CACHE, offset: 0, length: SIZE, cookie })).toMatchObject(good);
  // In pieces, here of 4096 bytes.
  expect(await client.ask({ type: CMD.WRITE_ZEROES, offset: 10, length: 10_000, cookie, flags: NO_HOLE })).toMatchObject(good);
  expect(file.content.subarray(8, 10_012)).toEqual(Buffer.concat([Buffer.from('ab'), Buffer.alloc(10_000), Buffer.from([10_010 * 7 & 255, 10_011 * 7 & 255])]));
  expect(file.began.filter((name) => /^write/.test(name))).toEqual(['write 8+3', 'write 10+4096', 'write 4106+4096', 'write 8202+1808']);
  expect(file.began.filter((name) => name === 'flush')).toHaveLength(1);

  // FUA: the reply comes after a flush.
  file.began.length = 0;
  expect(await client.ask({ type: CMD.WRITE, offset: 8, data: Buffer.from('xyz'), cookie, flags: FUA })).toMatchObject(good);
  expect(await client.ask({ type: CMD.WRITE_ZEROES, offset: 8, length: 1, cookie, flags: FUA })).toMatchObject(good);
  expect(file.began).toEqual(['write 8+3', 'flush', 'write 8+1', 'flush']);

  if (structured) {
    expect(await client.ask({ type: CMD.BLOCK_STATUS, offset: 512, length: 4096, cookie })).toEqual({ ...good, type: 5, data: Buffer.concat([u32(1), u32(4096), u32(0)]) });
    expect(await client.ask({ type: CMD.READ, length: 4096, flags: DF, cookie })).toMatchObject({ ...good, type: 1, data: content(0, 4096) });
  }
});

test('requests that are refused have the errors of the protocol, and the connection goes on', async () => {
  const { path, file, said } = await start();
  const client = await RawNbd.go(path, { structured: true });
  const refused = async (asked: Parameters<typeof client.ask>[0]): Promise<[number, string | undefined]> => {
    const { error, message } = await client.ask(asked);
    return [error, message];
  };
  expect(await refused({ type: CMD.READ, offset: SIZE - 1, length: 2 })).toEqual([EINVAL, '2 bytes at 65535 are beyond the end, which is at 65536']);
  expect(await refused({ type: CMD.READ, offset: 0xffffffffffffffffn, length: 1 })).toMatchObject([EINVAL, expect.anything()]);
  expect(await refused({ type: CMD.CACHE, offset: SIZE, length: 1 })).toMatchObject([EINVAL, expect.anything()]);
  expect(await refused({ type: CMD.WRITE, offset: SIZE - 1, data: Buffer.from('ab') })).toMatchObject([ENOSPC, expect.anything()]);
  expect(await refused({ type: CMD.WRITE_ZEROES, offset: 0, length: 0xffffffff })).toMatchObject([ENOSPC, expect.anything()]);
  expect(await refused({ type: CMD.WRITE_ZEROES, offset: 0, length: 512, flags: FAST_ZERO })).toEqual([ENOTSUP, 'zeros are written as data']);
  expect(await refused({ type: CMD.TRIM, offset: 0, length: 512 })).toEqual([EINVAL, 'this server does not know the command 4']);
  expect(await refused({ type: 99 })).toMatchObject([EINVAL, expect.anything()]);
  expect(await refused({ type: CMD.READ, length: 1, flags: 0x80 })).toMatchObject([EINVAL, expect.anything()]);
  expect(await refused({ type: CMD.FLUSH, flags: DF })).toMatchObject([EINVAL, expect.anything()]);
  // Without the context.
  expect(await refused({ type: CMD.BLOCK_STATUS, length: 512 })).toEqual([EINVAL, 'base:allocation was not negotiated']);
  expect(file.began).toEqual([]);
  expect(said).toEqual([]);

  const simple = await RawNbd.go(path);
  expect(await simple.ask({ type: CMD.READ, length: 1, flags: DF })).toMatchObject({ error: EINVAL });
  expect(await simple.ask({ type: CMD.READ, offset: SIZE, length: 1 })).toEqual({ cookie: 1n, error: EINVAL, isLast: true, data: Buffer.alloc(0) });
  expect(await simple.ask({ type: CMD.READ, length: 2 })).toMatchObject({ error: 0, data: file.content.subarray(0, 2) });
});

test.each([['ENOSPC', ENOSPC], ['EDQUOT', ENOSPC], ['EROFS', EPERM], ['EIO', EIO], ['ESTALE', EIO]])('the file\'s %s is the client\'s %d, and the server says it', async (errno, number) => {
  const { path, file, said } = await start();
  const client = await RawNbd.go(path, { structured: true });
  file.error = { code: 'ERR_AIO_IO', errno };
  for (const asked of [{ type: CMD.WRITE, data: Buffer.from('a') }, { type: CMD.READ, length: 1 }, { type: CMD.FLUSH }]) expect(await client.ask(asked)).toMatchObject({ error: number });
  expect(said).toHaveLength(3);
  expect(said[0]).toBe(`client 1: disk.img: write 0+1: ${errno}`);
  file.error = undefined;
  expect(await client.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
});

test('a read-only export says so, and refuses what writes', async () => {
  const { path, file } = await start({ isReadOnly: true });
  const client = await RawNbd.connect(path);
  await client.greet();
  expect((await client.negotiate(OPT.GO, goData()))[0]?.data).toEqual(Buffer.concat([u16(0), u64(SIZE), u16(READ_ONLY_FLAGS)]));
  for (const asked of [{ type: CMD.WRITE, data: Buffer.from('a') }, { type: CMD.WRITE_ZEROES, length: 1 }]) expect(await client.ask(asked)).toMatchObject({ error: EPERM });
  expect(file.began).toEqual([]);
  expect(await client.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
});

test('a file that has become shorter is an error, not zeros', async () => {
  const { path, file, says } = await start();
  const client = await RawNbd.go(path);
  file.read = (_, _into, _from, _reader, ended) => void setImmediate(() => ended(100));
  expect(await client.ask({ type: CMD.READ, offset: 512, length: 512 })).toMatchObject({ error: EIO, data: Buffer.alloc(0) });
  await says(/disk\.img has become shorter: it ends at 612/);
});

test('requests that are in flight together are answered in the order in which they end', async () => {
  const { path, file } = await start();
  const client = await RawNbd.go(path);
  file.isHolding = true;
  const offsets = [0, 512, 1024, 1536];
  client.send(...offsets.map((offset) => request({ type: CMD.READ, offset, length: 16, cookie: offset })));
  await file.hasBegun(4);
  for (const offset of [1024, 0, 1536, 512]) {
    file.release(`read ${offset}+16`);
    expect(await client.reply(16)).toMatchObject({ cookie: BigInt(offset), data: file.content.subarray(offset, offset + 16) });
  }
});

test('NBD_CMD_DISC and the end of what a client sends: requests in flight are answered first', async () => {
  for (const last of [request({ type: CMD.DISC }), undefined]) {
    const { server, path, file, said } = await start();
    const client = await RawNbd.go(path);
    file.isHolding = true;
    client.send(request({ type: CMD.WRITE, offset: 5, data: Buffer.from('last'), cookie: 9 }), ...(last ? [last, request({ type: CMD.WRITE, data: Buffer.from('never') })] : []));
    if (!last) client.socket.end();
    await file.hasBegun(1);
    file.release('write 5+4');
    expect(await client.reply()).toMatchObject({ cookie: 9n, error: 0 });
    await client.ended;
    expect(file.began).toEqual(['write 5+4']);
    expect(said).toEqual([]);
    await server.close();
  }
});

test('close() answers the requests in flight, takes no more, and closes the connections', async () => {
  const { path, file, server, said } = await start();
  const client = await RawNbd.go(path);
  const idle = await RawNbd.connect(path);
  file.isHolding = true;
  client.send(request({ type: CMD.WRITE, offset: 5, data: Buffer.from('last'), cookie: 9 }));
  await file.hasBegun(1);
  const isClosed = server.close();
  await idle.ended;
  client.send(request({ type: CMD.WRITE, data: Buffer.from('never') }));
  file.release('write 5+4');
  expect(await client.reply()).toMatchObject({ cookie: 9n, error: 0 });
  await isClosed;
  await client.ended;
  await expect(RawNbd.connect(path)).rejects.toThrow();
  expect(file.began).toEqual(['write 5+4']);
  expect(said).toEqual([]);
});

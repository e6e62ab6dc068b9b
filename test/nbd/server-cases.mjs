// Our server, and clients that others have written.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environment, makeImage, newPath, ok, random, run, seed, serve, sumOf, top } from './peers.mjs';

const MiB = 1024 ** 2;
const ENGINES = ['auto', 'threads', 'native', 'io_uring', 'sync'];

/** An empty image. */
function emptyImage(size) {
  const path = newPath('empty');
  writeFileSync(path, '');
  truncateSync(path, size);
  return path;
}

/** Runs a case with a server of an image; afterwards the server has to end well, and to have said nothing. */
async function withServer(image, args, body) {
  const server = await serve(image, ...args);
  await body(server);
  assert.equal(await server.stop(), 0);
  assert.equal(server.said(), '');
}

/** Commands of qemu-io: writes, zeros, reads and flushes at random places; several are in flight. */
function qemuCommands(size, count) {
  const next = random(seed);
  const commands = [];
  for (let n = 0; n < count; n++) {
    const length = 512 * (1 + (next() % 256));
    const offset = 512 * (next() % ((size - length) / 512));
    const range = `${offset} ${length}`;
    const pattern = 1 + (next() % 255);
    const commandsOf = [`write -P ${pattern} ${range}`, `write -f -P ${pattern} ${range}`, `write -z ${range}`, `write -z -f ${range}`, 'flush', `read -q ${range}`,
      // Those that are in flight together do not overlap.
      `aio_write -q -P ${pattern} ${Math.floor(offset / 2 / 512) * 512} ${Math.ceil(length / 2 / 512) * 512}\naio_read -q ${size / 2 + Math.floor(offset / 4 / 512) * 512} 512\naio_flush`];
    commands.push(commandsOf[next() % commandsOf.length]);
  }
  return `${commands.join('\n')}\naio_flush\nflush\nquit\n`;
}

export const serverCases = {
  async 'nbdinfo: what an export can do, over TCP and at a Unix socket'() {
    const image = makeImage(MiB);
    for (const args of [['--bind=127.0.0.1:0', '--export=disk'], []]) {
      await withServer(image, args, async ({ url }) => {
        const { exports: [info], protocol, structured } = JSON.parse(await ok('nbdinfo', ['--json', url]));
        assert.equal(protocol, 'newstyle-fixed');
        assert.equal(structured, true);
        const expected = {
          'export-size': MiB, is_rotational: false, is_read_only: false, can_cache: true, can_df: true, can_fast_zero: true, can_flush: true, can_fua: true,
          can_multi_conn: true, can_trim: false, can_zero: true, block_minimum: 1, block_preferred: 4096, block_maximum: 32 * MiB, contexts: ['base:allocation'],
        };
        for (const [name, value] of Object.entries(expected)) assert.deepEqual(info[name] ?? info[name.replace('block_', 'block_size_')], value, name);
        assert.match(await ok('nbdinfo', ['--map', url]), /^ +0 +1048576 +0 +data\n$/);
      });
    }
    await withServer(image, ['--bind=127.0.0.1:0', '--export=disk'], async ({ url }) => {
      assert.match(await ok('nbdinfo', ['--list', url.replace(/disk$/, '')]), /export="disk"/);
      assert.notEqual((await run('nbdinfo', [url.replace(/disk$/, 'other')])).code, 0);
    });
  },

  async 'nbdcopy: both ways, by several connections, with each engine'() {
    const image = makeImage(32 * MiB);
    const sum = await sumOf(image);
    for (const aio of ENGINES) {
      const copy = newPath('copy');
      await withServer(image, ['--read-only', `--aio=${aio}`, '--iothreads=2'], ({ url }) => ok('nbdcopy', ['--connections=4', '--requests=64', url, copy]));
      assert.equal(await sumOf(copy), sum, `${aio}: read`);
      const target = emptyImage(32 * MiB);
      await withServer(target, [`--aio=${aio}`, '--iothreads=2'], ({ url }) => ok('nbdcopy', ['--connections=4', '--requests=64', '--flush', image, url]));
      assert.equal(await sumOf(target), sum, `${aio}: written`);
    }
  },

  async 'nbdcopy: from one of our servers to another'() {
    const image = makeImage(16 * MiB);
    const target = emptyImage(16 * MiB);
    await withServer(image, ['--read-only'], (from) => withServer(target, [], (to) => ok('nbdcopy', [from.url, to.url])));
    assert.equal(await sumOf(target), await sumOf(image));
  },

  async 'qemu-io: random commands do the same to a file and through the server'() {
    const image = makeImage(16 * MiB);
    const local = newPath('local');
    copyFileSync(image, local);
    const input = qemuCommands(16 * MiB, 400);
    await ok('qemu-io', ['-f', 'raw', local], { input });
    await withServer(image, ['--aio=native'], ({ url }) => ok('qemu-io', ['-f', 'raw', url], { input }));
    assert.equal(await sumOf(image), await sumOf(local));
  },

  async 'qemu-img: convert both ways, and compare'() {
    const image = makeImage(16 * MiB);
    const target = emptyImage(16 * MiB);
    const qcow2 = newPath('qcow2');
    await withServer(image, ['--read-only'], async ({ url }) => {
      await ok('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', url, qcow2]);
      await ok('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', qcow2, url]);
    });
    await withServer(target, [], async ({ url }) => {
      await ok('qemu-img', ['convert', '-n', '-f', 'qcow2', '-O', 'raw', qcow2, url]);
      await ok('qemu-img', ['compare', '-f', 'qcow2', '-F', 'raw', qcow2, url]);
    });
    assert.equal(await sumOf(target), await sumOf(image));
  },

  async 'fio: random reads and writes, verified, with each engine'() {
    for (const aio of ENGINES) {
      await withServer(emptyImage(16 * MiB), [`--aio=${aio}`], ({ url }) => ok('fio', [
        '--name=verify', '--ioengine=nbd', `--uri=${url}`, '--rw=randrw', '--bsrange=512-64k', '--iodepth=32', '--size=16M', '--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0', `--randseed=${seed}`, '--group_reporting',
      ]));
    }
  },

  async 'nbdsh: errors, flags, and many requests in flight'() {
    await withServer(makeImage(MiB), [], async ({ socket }) => {
      const out = await ok('nbdsh', ['-c', `
import nbd, errno
h.add_meta_context("base:allocation")
h.connect_unix(${JSON.stringify(socket)})
h.set_strict_mode(0)
def fails(number, f, *args):
    try:
        f(*args)
    except nbd.Error as error:
        assert error.errnum == number, (error.errnum, number, str(error))
        return
    raise Exception("it did not fail")
size = h.get_size()
fails(errno.EINVAL, h.pread, 512, size)
fails(errno.ENOSPC, h.pwrite, b"x" * 512, size - 511)
fails(errno.ENOSPC, h.zero, 4096, size)
fails(errno.ENOTSUP, h.zero, 4096, 0, nbd.CMD_FLAG_FAST_ZERO)
fails(errno.EINVAL, h.trim, 4096, 0)
fails(errno.EINVAL, h.flush, nbd.CMD_FLAG_NO_HOLE)
h.pwrite(b"first", 0, nbd.CMD_FLAG_FUA)
h.zero(4096, 4096, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
h.cache(size, 0)
extents = []
h.block_status(size, 0, lambda context, offset, entries, error: extents.extend(entries))
assert extents == [size, 0], extents
data = h.pread(size, 0, nbd.CMD_FLAG_DF)
assert data[:5] == b"first" and data[4096:8192] == bytes(4096)
buffers = [nbd.Buffer(512) for n in range(1000)]
cookies = [h.aio_pread(buffer, n * 997 % (size - 512)) for n, buffer in enumerate(buffers)]
while h.aio_in_flight() > 0:
    h.poll(-1)
assert all(h.aio_command_completed(cookie) for cookie in cookies)
assert all(buffer.to_bytearray() == data[n * 997 % (size - 512):][:512] for n, buffer in enumerate(buffers))
h.shutdown()
print("well")
`]);
      assert.equal(out, 'well\n');
    });
  },

  async 'TLS: nbdcopy and qemu-img with certificates, and without'() {
    const pem = (name) => join(top, 'test', 'jest', 'fixtures', 'tls', name);
    /** A folder with certificates, by the names that both programs use. The authority's is the server's, too. */
    const folder = (names) => {
      const path = newPath('certificates');
      mkdirSync(path);
      for (const [name, file] of Object.entries(names)) copyFileSync(pem(file), join(path, `${name}.pem`));
      return path;
    };
    const authority = folder({ 'ca-cert': 'cert.pem' });
    const all = folder({ 'ca-cert': 'cert.pem', 'client-cert': 'cert.pem', 'client-key': 'key.pem' });
    const image = makeImage(16 * MiB);
    const tls = [`--tls-cert=${pem('cert.pem')}`, `--tls-key=${pem('key.pem')}`];
    const open = await serve(image, '--bind=127.0.0.1:0', '--read-only', ...tls);
    const closed = await serve(image, '--bind=127.0.0.1:0', '--read-only', ...tls, `--tls-ca=${pem('cert.pem')}`);
    const port = ({ url }) => Number(/^nbds:\/\/127\.0\.0\.1:(\d+)\/$/.exec(url)[1]);
    for (const [server, certificates] of [[open, authority], [closed, all]]) {
      const copy = newPath('copy');
      await ok('nbdcopy', [`nbds://localhost:${port(server)}/?tls-certificates=${certificates}`, copy]);
      assert.equal(await sumOf(copy), await sumOf(image));
      assert.notEqual((await run('nbdinfo', [`nbd://localhost:${port(server)}/`])).code, 0);
    }
    const compare = (server) => run('qemu-img', ['compare', '--object', `tls-creds-x509,id=tls,endpoint=client,dir=${authority}`,
      '--image-opts', `driver=nbd,host=localhost,port=${port(server)},tls-creds=tls`, `driver=raw,file.filename=${image}`]);
    const { code, out } = await compare(open);
    assert.deepEqual([code, out], [0, 'Images are identical.\n']);
    assert.notEqual((await compare(closed)).code, 0, 'a client without a certificate is let in');
    assert.deepEqual([await open.stop(), await closed.stop()], [0, 0]);
  },

  async 'a read-only export stays as it is'() {
    const image = makeImage(MiB);
    const sum = await sumOf(image);
    await withServer(image, ['--read-only'], async ({ url }) => {
      assert.notEqual((await run('nbdcopy', [makeImage(MiB, seed + 1), url])).code, 0);
      assert.notEqual((await run('qemu-io', ['-f', 'raw', '-c', 'write 0 512', url])).code, 0);
    });
    assert.equal(await sumOf(image), sum);
  },

  async 'SIGKILL: what a client has written with FUA is in the file'() {
    const image = emptyImage(4 * MiB);
    const server = await serve(image);
    const script = `
h.connect_unix(${JSON.stringify(server.socket)})
for n in range(1024):
    h.pwrite(bytes([1 + n % 255]) * 4096, n * 4096, nbd.CMD_FLAG_FUA)
    print(n, flush=True)
`;
    const client = spawn('nbdsh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], env: environment });
    const ended = once(client, 'close');
    let last = -1;
    for await (const line of createInterface(client.stdout)) {
      last = Number(line);
      if (last === 300) void server.stop('SIGKILL');
    }
    assert.notEqual((await ended)[0], 0, 'the client does not notice that its server was killed');
    assert.ok(last >= 300 && last < 1023, `${last}`);
    const content = readFileSync(image);
    for (let n = 0; n <= last; n++) assert.ok(content.subarray(n * 4096, (n + 1) * 4096).every((byte) => byte === 1 + (n % 255)), `block ${n}`);
  },

  async 'SIGTERM while a copy is in flight: the server ends well, and the client is told'() {
    const image = makeImage(64 * MiB);
    const target = emptyImage(64 * MiB);
    const server = await serve(target);
    // It reads from a pipe that is held back, so that it is not over before the signal.
    const copy = spawn('nbdcopy', ['-', server.url], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(copy, 'close');
    const content = readFileSync(image);
    copy.stdin.on('error', () => {}).write(content.subarray(0, 32 * MiB));
    while (!readFileSync(target).subarray(0, 4096).equals(content.subarray(0, 4096))) await new Promise(setImmediate);
    assert.equal(await server.stop('SIGTERM'), 0);
    copy.stdin.end(content.subarray(32 * MiB));
    assert.notEqual((await ended)[0], 0);
    assert.equal(existsSync(server.socket), false);
  },

  async 'a storm of connections that end anywhere, beside a client whose data is verified'() {
    const server = await serve(emptyImage(16 * MiB), '--max-connections=300', '--aio=native');
    const next = random(seed);
    const go = Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('IHAVEOPT'), Buffer.from([0, 0, 0, 7, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0])]);
    const request = (type, length) => {
      const bytes = Buffer.alloc(28);
      bytes.writeUInt32BE(0x25609513, 0);
      bytes.writeUInt16BE(type, 6);
      bytes.writeUInt32BE(length, 24);
      return bytes;
    };
    // Reads that nobody takes, flushes, and a write whose data does not come: none changes the file.
    const allOf = (length) => Buffer.concat([go, ...Array.from({ length: 20 }, (_, n) => request(n % 4 === 3 ? 3 : 0, n % 4 === 3 ? 0 : length)), request(1, MiB), Buffer.alloc(1000)]);
    // Most ask for little, so that fio has its turn.
    const [small, large] = [allOf(MiB / 16), allOf(MiB)];
    /** Those that the server has, and the one at which it listens. */
    const sockets = () => readFileSync('/proc/net/unix', 'utf8').split('\n').filter((line) => line.endsWith(server.socket)).length;
    let isOver = false;
    let count = 0;
    const storm = async () => {
      while (!isOver || count < 500) {
        // The server need not be as fast as the storm.
        while (sockets() > 30) await new Promise(setImmediate);
        const socket = connect(server.socket);
        socket.on('error', () => {});
        const all = next() % 8 ? small : large;
        socket.write(all.subarray(0, next() % all.length));
        // The greeting: it is accepted, so that those who are gone do not fill the queue of those who wait. Half of them read no more.
        await Promise.race([once(socket, 'readable'), once(socket, 'close')]).catch(() => {});
        if (next() % 2) socket.resume();
        if (next() % 3 === 0) await once(socket, 'close', { signal: AbortSignal.timeout(next() % 50) }).catch(() => {});
        socket.destroy();
        count++;
      }
    };
    const storms = Array.from({ length: 8 }, storm);
    await ok('fio', ['--name=verify', '--ioengine=nbd', `--uri=${server.url}`, '--rw=randrw', '--bs=4k', '--iodepth=16', '--size=16M', '--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0', `--randseed=${seed}`]);
    isOver = true;
    await Promise.all(storms);
    // Those of the storm are gone; those of the process are its own.
    while (sockets() > 1) await new Promise(setImmediate);
    assert.ok(readdirSync(`/proc/${server.pid}/fd`).length < 100);
    await ok('nbdinfo', [server.url]);
    assert.equal(await server.stop(), 0);
    for (const line of server.said().trimEnd().split('\n')) assert.match(line, /^wasm-aio: nbd-serve: (client \d+: closed the connection in the middle of a message|\d+ more such lines were left out)?$/);
  },
};

// SPDX-License-Identifier: MIT
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AioError, hostErrno, messageOf } from '../errors.js';
import { helpOf, parseOptions, parseSeconds, UsageError, type Command } from './options.js';
import { isInteractive, print } from './output.js';
import type { TopAnswer } from './top-server.js';
import { answerText } from './top-text.js';

const options = {
  interval: { value: 'SECONDS', help: 'show it anew after this time (default 1)' },
  once: { help: 'show it once, and end' },
};

const command: Command<keyof typeof options> = {
  name: 'top',
  usage: '[OPTION...] SOCKET',
  about: 'Shows the loops of a program that was started with `wasm-aio run --top=SOCKET`: what each does, what it waits for, who has woken it, and its longest call-back.',
  options,
  operands: 1,
  footer: 'A terminal is redrawn in place until Ctrl-C or the end of the program; anything else gets one text after the other.',
};

/** So long a program may take to answer. Its thread that answers never runs code of the program. */
const PATIENCE_MS = 10_000;

/** The command `wasm-aio top SOCKET`. */
export async function top(argv: string[]): Promise<number> {
  const given = parseOptions(command, argv);
  if (!given) {
    await print(helpOf(command));
    return 0;
  }
  const [path] = given.operands;
  if (path === undefined) throw new UsageError(`no socket is named; usage: wasm-aio top ${command.usage}`);
  const interval = given.last.interval === undefined ? 1000 : parseSeconds('interval', given.last.interval, 86_400);
  const program = await Program.connect(path);
  const isDrawn = isInteractive() && given.last.once === undefined;
  let last: TopAnswer | undefined;
  for (;;) {
    const answer = await program.ask();
    if (!answer) break;
    const text = answerText(answer, last);
    await print(isDrawn ? redrawn(text, last === undefined) : `${last ? '\n' : ''}${text}`);
    last = answer;
    if (given.last.once !== undefined) {
      program.close();
      return 0;
    }
    await Promise.race([sleep(interval), program.ended]);
  }
  if (!last) throw new AioError('ERR_AIO_IO', `${path}: the program ended before it answered`);
  await print(`\n${last.program} has ended.\n`);
  return 0;
}

/** The text in place of what the terminal has shown; as much of it as there is room for. */
function redrawn(text: string, isFirst: boolean): string {
  const room = Math.max((process.stdout.rows || 24) - 3, 5);
  const lines = text.trimEnd().split('\n');
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `... and ${lines.length - room + 1} lines more: make the window taller`];
  return `${isFirst ? '\x1b[2J' : ''}\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`;
}

/** The connection to a program. */
class Program {
  #text = '';
  #tell: ((line: string | undefined) => void) | undefined;
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>;

  private constructor(private readonly path: string, private readonly socket: Socket) {
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        resolve();
        this.#tell?.(undefined);
      });
    });
    socket.setEncoding('utf8').on('error', () => {}).on('data', (text: string) => {
      this.#text += text;
      const end = this.#text.indexOf('\n');
      if (end < 0) return;
      this.#tell?.(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 1);
    });
  }

  /** @throws AioError ERR_AIO_IO */
  static connect(path: string): Promise<Program> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => resolve(new Program(path, socket)));
      socket.once('error', (cause) => {
        const start = `start the program with wasm-aio run --top=${path}`;
        const why = { ENOENT: `there is no such socket: ${start}`, ECONNREFUSED: `no program listens there, or not any more: ${start}` }[hostErrno(cause)];
        reject(new AioError('ERR_AIO_IO', `${path}: ${why ?? messageOf(cause)}`, { cause }));
      });
    });
  }

  /** Resolves with undefined when the program has ended. @throws AioError ERR_AIO_IO */
  async ask(): Promise<TopAnswer | undefined> {
    if (this.socket.closed || this.socket.destroyed) return undefined;
    const patience = new AbortController();
    const line = await Promise.race([
      new Promise<string | undefined>((resolve) => {
        this.#tell = resolve;
        this.socket.write('\n');
      }),
      sleep(PATIENCE_MS, '', { signal: patience.signal, ref: true }).catch(() => ''),
    ]);
    patience.abort();
    if (line === undefined) return undefined;
    const answer = line === '' ? undefined : parsed(line);
    if (answer) return answer;
    this.close();
    throw new AioError('ERR_AIO_IO', line === ''
      ? `${this.path}: there was no answer for ${PATIENCE_MS / 1000} s: the program is stopped, or is none of wasm-aio run --top=${this.path}`
      : `${this.path}: what listens there is no program of wasm-aio run --top=${this.path}`);
  }

  close(): void {
    this.socket.destroy();
  }
}

function parsed(line: string): TopAnswer | undefined {
  try {
    const answer = JSON.parse(line) as TopAnswer | null;
    return typeof answer?.wasmAio === 'string' ? answer : undefined;
  } catch {
    return undefined;
  }
}

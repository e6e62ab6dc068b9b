// SPDX-License-Identifier: MIT
import { invalid, isText } from '../check.js';
import { AioError } from '../errors.js';

/** An argument of a C function: a bigint or a safe integer where C has a 64-bit integer, a number otherwise. */
export type Argument = number | bigint;

const isWithin = (value: bigint, min: bigint, max: bigint): boolean => value >= min && value <= max;

/** A 32-bit integer, signed or unsigned. */
export function int32(name: string, value: unknown): number {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  if (!isWhole || !isWithin(BigInt(value as Argument), -(2n ** 31n), 2n ** 32n - 1n)) throw invalid(name, 'a 32-bit integer', value);
  return Number(value);
}

function int64(name: string, value: unknown): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || !isWithin(BigInt(value as Argument), -(2n ** 63n), 2n ** 64n - 1n)) {
    throw invalid(name, 'a 64-bit integer (a bigint, or a safe integer)', value);
  }
  return BigInt(value as Argument);
}

function float(name: string, value: unknown): number {
  if (typeof value !== 'number') throw invalid(name, 'a number', value);
  return value;
}

/** Conversions by the letters that aiocc writes for types (wasm/function-types.mjs). */
const conversions: Record<string, (name: string, value: unknown) => Argument> = { i: int32, l: int64, f: float, d: float };

/**
 * The functions of a module that call() can call, with the types of their parameters. aiocc writes these into a
 * custom section, because JavaScript cannot ask a compiled module for them.
 */
export class Functions {
  private readonly types: Readonly<Record<string, string>> | undefined;

  constructor(module: WebAssembly.Module) {
    const [section] = WebAssembly.Module.customSections(module, 'aio.types');
    if (section) this.types = JSON.parse(new TextDecoder().decode(section)) as Record<string, string>;
  }

  /**
   * Converts the arguments to the types that the function takes.
   * @throws AioError ERR_AIO_INVALID_ARG, ERR_AIO_MODULE (the types are not known)
   */
  convert(name: string, args: readonly unknown[]): Argument[] {
    isText('name', name);
    if (!this.types) throw new AioError('ERR_AIO_MODULE', 'the module has no section aio.types, which lists the types of its functions: build it with this aiocc, and do not strip it');
    const types = Object.hasOwn(this.types, name) ? this.types[name] : undefined;
    if (types === undefined) throw new AioError('ERR_AIO_INVALID_ARG', `name: the module exports no function '${name}' that can be called`);
    if (args.length !== types.length) throw invalid(`the number of args of ${name}()`, String(types.length), args.length);
    return args.map((value, n) => {
      const convert = conversions[types[n] ?? ''];
      if (!convert) throw new AioError('ERR_AIO_INVALID_ARG', `args[${n}] of ${name}() has a WebAssembly type that JavaScript cannot pass`);
      return convert(`args[${n}] of ${name}()`, value);
    });
  }
}

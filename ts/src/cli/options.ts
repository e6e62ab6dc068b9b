// SPDX-License-Identifier: MIT
/** The command line is wrong: exit code 2. */
export class UsageError extends Error {}

export interface OptionSpec {
  /** The placeholder of its value in the help; none for a switch. */
  value?: string;
  help: string;
}

/** `--name=value`, `--name value` and switches; what is not one is refused. */
export function parseOptions<Names extends string>(
  argv: readonly string[], specs: Record<Names, OptionSpec>,
): Partial<Record<Names, string>> {
  const given: Partial<Record<Names, string>> = {};
  const left = [...argv];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, name, value] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined || !(name in specs)) {
      throw new UsageError(`unknown ${arg.startsWith('-') ? 'option' : 'argument'} ${arg}`);
    }
    const spec = specs[name as Names];
    if (spec.value === undefined) {
      if (value !== undefined) throw new UsageError(`--${name} takes no value`);
      given[name as Names] = '';
      continue;
    }
    const text = value ?? left.shift();
    if (text === undefined || text === '') throw new UsageError(`--${name} needs a value (${spec.value})`);
    given[name as Names] = text;
  }
  return given;
}

export function helpOf(specs: Record<string, OptionSpec>): string {
  const rows = Object.entries(specs).map(([name, { value, help }]) => {
    const left = `  --${name}${value === undefined ? '' : `=${value}`}`;
    return `${left.padEnd(30)} ${help}\n`;
  });
  return rows.join('');
}

/** A whole number from min to max; with units (64M, 4k) if it is a size. */
export function parseNumber(name: string, text: string, min: number, max: number, units = false): number {
  const [, digits, unit] = (units ? /^(\d+)([kmg]?)(?:i?b)?$/i : /^(\d+)()$/).exec(text) ?? [];
  const scale = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[(unit ?? '').toLowerCase()] ?? NaN;
  const value = Number(digits) * scale;
  if (!(value >= min && value <= max)) {
    const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`--${name}=${text}: must be a whole number ${range}${units ? ', such as 4096, 4k or 64M' : ''}`);
  }
  return value;
}

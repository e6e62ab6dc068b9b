// SPDX-License-Identifier: MIT
/** Finds out what is wrong with a worker, or why its script did not load. A page loads this file only when that has happened. */
import { putTogether } from '../wire/error.js';
import { embedderFault, scriptFault, whatFetchFinds } from './script-fault.js';

/** The script of a worker, as it was passed to the constructor of Worker. */
export interface WorkerScript {
  readonly url: string | URL;
  readonly isModule: boolean;
}

/**
 * The error with which the browser refuses to load, parse or link a module; undefined if it does not. Nothing of the
 * module is run, because a module that throws is evaluated before it.
 */
async function parseFault(url: string): Promise<unknown> {
  const first = 'data:text/javascript,throw null';
  const both = `import ${JSON.stringify(first)}; import ${JSON.stringify(url)};`;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript,${encodeURIComponent(both)}`).catch((error: unknown) => error ?? undefined);
}

/** The error that was thrown in a worker, made from what its `error` event says. */
function thrownIn({ message, filename, lineno, colno }: ErrorEvent): Error {
  const [, name = 'Error', text = message] = /^(?:Uncaught )?(\w*Error): (.*)/s.exec(message) ?? [];
  return putTogether({ base: name, name, message: text, stack: `${name}: ${text}\n    at ${filename}:${lineno}:${colno}`, fields: {} });
}

/** Finds out why the script of a worker did not load. */
async function whyNotLoaded({ url, isModule }: WorkerScript): Promise<unknown> {
  const { href } = new URL(url, location.href);
  const faults = [scriptFault, ...(/^https?:/.test(href) ? [embedderFault] : [])];
  const found = (await whatFetchFinds(href, faults)) ?? (isModule ? await parseFault(href) : undefined);
  // If the browser cannot load a module or one of its imports, its TypeError does not name the file.
  if (found && !(found instanceof TypeError)) return found;
  return new Error(`${href} can be fetched, but does not load: look for a file that it imports, and for the page's Content-Security-Policy`, { cause: found });
}

/** The error that an `error` event of a worker tells. An event without a message means that the script did not run at all. */
export async function errorOf(event: ErrorEvent, script: WorkerScript | undefined): Promise<unknown> {
  if (event.message) return thrownIn(event);
  return script ? whyNotLoaded(script) : new Error("the worker's script did not load");
}

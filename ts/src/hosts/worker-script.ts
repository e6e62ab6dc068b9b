// SPDX-License-Identifier: MIT
/** Finds out why a worker's script did not load. A page loads this file only when that has happened. */
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

/** Finds out why the script of a worker did not load. */
export async function whyNotLoaded({ url, isModule }: WorkerScript): Promise<unknown> {
  const { href } = new URL(url, location.href);
  const faults = [scriptFault, ...(/^https?:/.test(href) ? [embedderFault] : [])];
  const found = (await whatFetchFinds(href, faults)) ?? (isModule ? await parseFault(href) : undefined);
  // If the browser cannot load a module or one of its imports, its TypeError does not name the file.
  if (found && !(found instanceof TypeError)) return found;
  return new Error(`${href} can be fetched, but does not load: look for a file that it imports, and for the page's Content-Security-Policy`, { cause: found });
}

// SPDX-License-Identifier: MIT
/** Loaded by a page only after a worker's script did not load there. */
import { embedderFault, scriptFault, whatFetchFinds } from './script-fault.js';

/** The script of a worker, as it was given to the constructor. */
export interface WorkerScript {
  readonly url: string | URL;
  readonly isModule: boolean;
}

/**
 * The error with which a browser refuses to load, parse or link a module; undefined: it does not.
 * Nothing of the module is run: one that throws is evaluated before it.
 */
async function parseFault(url: string): Promise<unknown> {
  const first = 'data:text/javascript,throw null';
  const both = `import ${JSON.stringify(first)}; import ${JSON.stringify(url)};`;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ `data:text/javascript,${encodeURIComponent(both)}`).catch((error: unknown) => error ?? undefined);
}

/** Why the script of a worker did not load. */
export async function whyNotLoaded({ url, isModule }: WorkerScript): Promise<unknown> {
  const { href } = new URL(url, location.href);
  const faults = [scriptFault, ...(/^https?:/.test(href) ? [embedderFault] : [])];
  const found = (await whatFetchFinds(href, faults)) ?? (isModule ? await parseFault(href) : undefined);
  // What the browser says of one that it cannot load names neither.
  if (found && !(found instanceof TypeError)) return found;
  return new Error(`${href} can be fetched, but does not load: look for a file that it imports, and for the page's Content-Security-Policy`, { cause: found });
}

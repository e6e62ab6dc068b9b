// SPDX-License-Identifier: MIT
/** Finds out why a script did not load in a page. Its error event does not say that, but fetching the script does. */
import { messageOf } from '../errors.js';

/** The value of a header without its parameters; empty if there is none. */
export const valueOf = (headers: Headers, name: string): string => (headers.get(name) ?? '').replace(/;.*/, '').trim();

/** Why no browser accepts this response as a script; undefined if the response does not show a reason. */
export function scriptFault({ ok, status, headers }: Response): string | undefined {
  if (!ok) return `answers with HTTP status ${status}`;
  const type = valueOf(headers, 'Content-Type');
  return /javascript|ecmascript/.test(type) ? undefined : `comes as "${type || 'no type'}", not "text/javascript"`;
}

/** Why a cross-origin isolated page does not load this response as a worker's script: it lacks this header. */
export function embedderFault({ headers }: Response): string | undefined {
  const name = 'Cross-Origin-Embedder-Policy';
  // With Document-Isolation-Policy it needs no header.
  const isRight = ['require-corp', 'credentialless'].includes(valueOf(headers, name)) || headers.has('Document-Isolation-Policy');
  return isRight ? undefined : `comes without ${name}, so an isolated page may not load it`;
}

/** Fetches a script that did not load, and returns what is wrong with it; undefined if nothing is. */
export async function whatFetchFinds(url: string, faults: readonly ((response: Response) => string | undefined)[], cause?: unknown): Promise<Error | undefined> {
  // The text of a data: URL would fill the message.
  const what = url.length > 500 ? `${url.slice(0, 100)}…` : url;
  const found = (why: string, cause: unknown): Error => new Error(`${what} ${why}`, { cause });
  try {
    const response = await fetch(url, { cache: 'no-store' });
    void response.body?.cancel();
    for (const fault of faults) {
      const why = fault(response);
      if (why !== undefined) return found(why, cause);
    }
    return undefined;
  } catch (error) {
    return found(`cannot be fetched: ${messageOf(error)}`, error);
  }
}

// SPDX-License-Identifier: MIT
/** Why a script did not load in a page, which its error event does not say: a fetch of it does. */
import { messageOf } from '../errors.js';

/** The value of a header without its parameters; '' if there is none. */
export const valueOf = (headers: Headers, name: string): string => (headers.get(name) ?? '').replace(/;.*/, '').trim();

/** Why no browser takes this answer for a script; undefined if that is not to be seen in it. */
export function scriptFault({ ok, status, headers }: Response): string | undefined {
  if (!ok) return `answers with HTTP status ${status}`;
  const type = valueOf(headers, 'Content-Type');
  return /javascript|ecmascript/.test(type) ? undefined : `comes as "${type || 'no type'}", not "text/javascript"`;
}

/** A cross-origin isolated page loads a worker's script only with this header. */
export function embedderFault({ headers }: Response): string | undefined {
  const name = 'Cross-Origin-Embedder-Policy';
  const isRight = ['require-corp', 'credentialless'].includes(valueOf(headers, name));
  return isRight ? undefined : `comes without ${name}, so an isolated page may not load it`;
}

/** What a fetch of a script that did not load finds wrong with it; undefined: nothing. */
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

// SPDX-License-Identifier: MIT
import { onlyOne } from './only-one.js';

/** Classes of errors of the user's, by the names under which both sides have registered them. */
export const registered = /* @__PURE__ */ onlyOne('errors', () => new Map<string, new (...args: never[]) => Error>());

/** Makes an error that came from the other side one of the class that was registered under this name, if there is one. */
export function setClass(error: object, name: string): void {
  const type = registered.get(name);
  if (type) Object.setPrototypeOf(error, type.prototype as object);
}

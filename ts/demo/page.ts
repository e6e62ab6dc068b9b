// SPDX-License-Identifier: MIT
/** What the pages share: their elements, the line that says what happens, and the settings in the address. */
import { NOT_ISOLATED } from '../hosts/isolation.js';

export const find = <T extends Element = HTMLElement>(id: string): T => document.getElementById(id) as unknown as T;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The line that screen readers read aloud when it changes: a text that is already there is not written again. */
function setStatus(text: string, kind: string): void {
  const status = find('status');
  status.className = kind;
  if (status.textContent !== text) status.textContent = text;
  const progress = find('progress');
  if (progress) progress.textContent = '';
}

/** Says what happens. */
export function say(text: string): void {
  setStatus(text, '');
}

/** Says what has gone wrong. */
export function tell(error: unknown): void {
  setStatus(messageOf(error), 'failed');
}

/** Shows how far it is, until something is said. It changes too often to be read aloud. */
export function showProgress(text: string): void {
  find('progress').textContent = text;
}

/** Shows the button that stops what runs. Whoever has started it with a button that cannot be used meanwhile has the focus there, and then back. */
export function showStop(on: boolean): void {
  const stop = find<HTMLButtonElement>('stop');
  const from = document.activeElement;
  const moves = on ? from?.matches('button:disabled') : from === stop;
  stop.hidden = !on;
  if (moves) (on ? stop : document.querySelector<HTMLElement>('button.first'))?.focus();
}

/** Whether the page has shared memory. Without it nothing of the page runs: this says why and what to do, and no control can be used. */
export function isIsolated(): boolean {
  if (crossOriginIsolated) return true;
  tell(`Nothing runs here: ${NOT_ISOLATED}.`);
  for (const control of document.querySelectorAll<HTMLButtonElement>('main :is(button, select, input)')) control.disabled = true;
  return false;
}

// ---- Settings: each is the value of the control with its name.

type Control = HTMLSelectElement | HTMLInputElement;
const isBox = (control: Control): control is HTMLInputElement => control.type === 'checkbox';

export function valueOf(id: string): string {
  const control = find<Control>(id);
  return isBox(control) ? String(Number(control.checked)) : control.value;
}

/** The part of an address from the # on that has the settings, and `more`. */
export function hashOf(ids: readonly string[], more: Record<string, string> = {}): string {
  return `#${new URLSearchParams([...ids.map((id): [string, string] => [id, valueOf(id)]), ...Object.entries(more)]).toString()}`;
}

/** Writes the settings, and `more`, into the address. */
export function writeAddress(ids: readonly string[], more?: Record<string, string>): void {
  history.replaceState(null, '', hashOf(ids, more));
}

/** Takes the settings from the address, except those that a control does not have. Returns all that the address has. */
export function readAddress(ids: readonly string[]): URLSearchParams {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const id of ids) {
    const value = given.get(id);
    const control = find<Control>(id);
    if (value === null) continue;
    if (isBox(control)) control.checked = value === '1';
    else if (control instanceof HTMLInputElement || [...control.options].some((option) => option.value === value && !option.disabled)) control.value = value;
  }
  return given;
}

// ---- Files of the visitor

/** Calls use() with a file that was chosen in the control `id`, or dropped on the page. */
export function onFile(id: string, use: (file: File) => void): void {
  const take = (file: File | undefined): void => void (file && use(file));
  const input = find<HTMLInputElement>(id);
  input.addEventListener('change', () => {
    take(input.files?.[0]);
    // So that the same file can be chosen again.
    input.value = '';
  });
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    if (!input.disabled) take(event.dataTransfer?.files[0]);
  });
}

// SPDX-License-Identifier: MIT
/** Draws a window of the timeline on a canvas, and says what is at a place of it. */
import { KINDS, STATES, type Arrow, type Lane } from './timeline.js';

/** Heights of a lane in CSS pixels: its name, what the loop does, its call-backs. */
const [NAME, STATE, CALLS, GAP] = [18, 8, 26, 12];
const LANE = NAME + STATE + 2 + CALLS + GAP;
const AXIS = 26;
/** So many arrows are worth drawing. */
const MOST_ARROWS = 300;

/** What is drawn. */
export interface Shown {
  readonly lanes: readonly Lane[];
  readonly arrows: readonly Arrow[];
}

/** What is shown of it: from a time on, in µs. */
export interface View {
  start: number;
  span: number;
  /** What is chosen by the pointer or the keys. */
  chosen?: Found | undefined;
}

/** A call-back, or what a loop does, at some place. */
export interface Found {
  lane: Lane;
  /** The place in lane.calls; -1: a state. */
  call: number;
  start: number;
  end: number;
  text: string;
}

/** A time with three digits and its unit. */
export function time(us: number): string {
  const size = Math.abs(us);
  if (size === 0) return '0 µs';
  if (size < 1) return `${Math.round(us * 1000)} ns`;
  const digits = (value: number): string => String(Number(value.toPrecision(3)));
  return size < 1000 ? `${digits(us)} µs` : size < 1e6 ? `${digits(us / 1000)} ms` : `${digits(us / 1e6)} s`;
}

const heightOf = (lanes: number): number => Math.max(1, lanes) * LANE + AXIS;

export class Drawing {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #colours!: { states: string[]; kinds: string[]; text: string; faint: string; arrow: string; onCall: string; chosen: string };
  #width = 0;
  /** How many arrows the last picture has left out. */
  hidden = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#context = canvas.getContext('2d')!;
    this.readColours();
  }

  /** The colours of the page, which depend on whether it is dark. */
  readColours(): void {
    const style = getComputedStyle(this.#canvas);
    const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    this.#colours = {
      states: ['working', 'polling', 'asleep', 'page'].map(of), kinds: ['bh', 'handler', 'timer', 'coroutine', 'poll'].map(of),
      text: of('text'), faint: of('border'), arrow: of('arrow'), onCall: of('on-call'), chosen: of('accent'),
    };
  }

  #x(us: number, { start, span }: View): number {
    return ((us - start) / span) * this.#width;
  }

  draw(timeline: Shown, view: View, now: number): void {
    const lanes = timeline.lanes;
    const height = heightOf(lanes.length);
    const scale = devicePixelRatio;
    this.#width = this.#canvas.clientWidth;
    const [w, h] = [Math.round(this.#width * scale), Math.round(height * scale)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) {
      this.#canvas.width = w;
      this.#canvas.height = h;
      this.#canvas.style.height = `${height}px`;
    }
    const context = this.#context;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, this.#width, height);
    this.#axis(view, now, height - AXIS);
    for (const [n, lane] of lanes.entries()) this.#lane(lane, n * LANE, view, now);
    this.#arrows(timeline, lanes, view);
    if (view.chosen) this.#mark(view.chosen, lanes.indexOf(view.chosen.lane), view, now);
  }

  #axis(view: View, now: number, y: number): void {
    const context = this.#context;
    const wide = view.span / Math.max(2, Math.floor(this.#width / 110));
    const base = 10 ** Math.floor(Math.log10(wide));
    const step = [1, 2, 5, 10].map((n) => n * base).find((n) => n >= wide)!;
    context.font = '12px system-ui, sans-serif';
    context.textBaseline = 'top';
    for (let at = view.start; at < view.start + view.span; at += step) {
      const x = this.#x(at, view);
      context.fillStyle = this.#colours.faint;
      context.fillRect(Math.round(x), NAME, 1, y - NAME + 4);
      if (x > this.#width - 24) continue;
      context.textAlign = at === view.start ? 'left' : 'center';
      context.fillStyle = this.#colours.text;
      context.fillText(at === view.start ? '0' : time(at - view.start), x, y + 8);
    }
    if (view.start + view.span > now) {
      context.fillStyle = this.#colours.faint;
      context.fillRect(this.#x(now, view), 0, 1, y);
    }
  }

  #lane(lane: Lane, top: number, view: View, now: number): void {
    const context = this.#context;
    context.font = '600 12px system-ui, sans-serif';
    context.textAlign = 'left';
    context.textBaseline = 'top';
    context.fillStyle = this.#colours.text;
    context.fillText(lane.name, 0, top + 2);
    this.#states(lane, top + NAME, view, now);
    this.#calls(lane, top + NAME + STATE + 2, view, now);
  }

  /** In each column of pixels the states have their shares. */
  #states(lane: Lane, top: number, view: View, now: number): void {
    const columns = Math.ceil(this.#width);
    const shares = STATES.map(() => new Float32Array(columns));
    const add = (start: number, end: number, state: number): void => {
      const from = Math.max(0, this.#x(start, view));
      const to = Math.min(columns, this.#x(end, view));
      for (let x = Math.floor(from); x < to; x++) shares[state]![x]! += Math.min(to, x + 1) - Math.max(from, x);
    };
    const { starts, ends, kinds } = lane.states;
    const until = view.start + view.span;
    for (let n = lane.states.from(view.start); n < starts.length && starts[n]! < until; n++) add(starts[n]!, ends[n]!, kinds[n]!);
    if (lane.state >= 0) add(lane.since, now, lane.state);
    for (let x = 0; x < columns; x++) {
      let y = top + STATE;
      for (const [state, columnShares] of shares.entries()) {
        const share = Math.min(1, columnShares[x]!) * STATE;
        if (share < 0.01) continue;
        this.#context.fillStyle = this.#colours.states[state]!;
        this.#context.fillRect(x, y - share, 1, share);
        y -= share;
      }
    }
  }

  #calls(lane: Lane, top: number, view: View, now: number): void {
    const context = this.#context;
    const { starts, ends, kinds, names, depths } = lane.calls;
    const until = view.start + view.span;
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    /** The right edge of the last one, by depth: what would lie under it is left out. */
    const drawn = [-1, -1, -1, -1];
    for (let n = lane.calls.from(view.start); n < starts.length && starts[n]! < until; n++) {
      const x = Math.max(0, this.#x(starts[n]!, view));
      const right = Math.min(this.#width, this.#x(Math.min(ends[n]!, now), view));
      const depth = depths[n]!;
      if (right < 0 || right <= drawn[depth]!) continue;
      const width = Math.max(1, right - x);
      drawn[depth] = x + Math.max(width, 0.6);
      const inset = depth * 5;
      context.fillStyle = this.#colours.kinds[kinds[n]!]!;
      context.fillRect(x, top + inset, width > 3 ? width - 0.5 : width, CALLS - inset);
      if (width < 34) continue;
      context.save();
      context.beginPath();
      context.rect(x, top, width - 3, CALLS);
      context.clip();
      context.fillStyle = this.#colours.onCall;
      context.fillText(names[n]!, x + 4, top + inset + (CALLS - inset) / 2);
      context.restore();
    }
  }

  #arrows(timeline: Shown, lanes: readonly Lane[], view: View): void {
    const until = view.start + view.span;
    const shown = timeline.arrows.filter(({ sent, accepted }) => accepted >= view.start && sent <= until);
    this.hidden = shown.length > MOST_ARROWS ? shown.length : 0;
    if (this.hidden) return;
    const context = this.#context;
    context.strokeStyle = context.fillStyle = this.#colours.arrow;
    context.lineWidth = 1.25;
    for (const { from, to, sent, accepted } of shown) {
      const [a, b] = [lanes.indexOf(from), lanes.indexOf(to)];
      if (a < 0 || b < 0 || a === b) continue;
      const down = b > a;
      const y1 = a * LANE + (down ? LANE - GAP : NAME + STATE);
      const y2 = b * LANE + (down ? NAME : LANE - GAP);
      const [x1, x2] = [this.#x(sent, view), this.#x(accepted, view)];
      context.beginPath();
      context.moveTo(x1, y1);
      context.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
      context.stroke();
      context.beginPath();
      context.moveTo(x2, y2);
      context.lineTo(x2 - 3, y2 + (down ? -5 : 5));
      context.lineTo(x2 + 3, y2 + (down ? -5 : 5));
      context.fill();
    }
  }

  #mark({ call, start, end }: Found, n: number, view: View, now: number): void {
    if (n < 0) return;
    const context = this.#context;
    const x = Math.max(1, this.#x(start, view));
    const right = Math.min(this.#width - 1, this.#x(Math.min(end, now), view));
    const top = n * LANE + NAME + (call < 0 ? 0 : STATE + 2);
    context.strokeStyle = this.#colours.chosen;
    context.lineWidth = 2;
    context.strokeRect(x - 1, top - 1, Math.max(3, right - x) + 2, (call < 0 ? STATE : CALLS) + 2);
  }

  /** What is at a place of the canvas, in CSS pixels. */
  at(timeline: Shown, view: View, x: number, y: number, now: number): Found | undefined {
    const lane = timeline.lanes[Math.floor(y / LANE)];
    if (!lane) return undefined;
    const us = view.start + (x / this.#width) * view.span;
    const near = (3 / this.#width) * view.span;
    const inCalls = y % LANE >= NAME + STATE + 2;
    return (inCalls ? callAt(lane, us, near, now) : undefined) ?? stateAt(lane, us, now);
  }
}

export function call(lane: Lane, n: number, now: number): Found | undefined {
  const { starts, ends, kinds, names } = lane.calls;
  const start = starts[n];
  if (start === undefined) return undefined;
  const end = ends[n]!;
  const took = end === Infinity ? `runs since ${time(now - start)}` : time(end - start);
  return { lane, call: n, start, end, text: `${lane.name}: ${KINDS[kinds[n]!]} “${names[n]}”, ${took}` };
}

/** The innermost call-back at a time, or one that is almost there. */
function callAt(lane: Lane, us: number, near: number, now: number): Found | undefined {
  const { starts, ends } = lane.calls;
  let found = -1;
  for (let n = lane.calls.from(us - near); n < starts.length && starts[n]! <= us + near; n++) {
    if (ends[n]! >= us - near) found = n;
  }
  return call(lane, found, now);
}

function stateAt(lane: Lane, us: number, now: number): Found | undefined {
  const { starts, ends, kinds } = lane.states;
  const of = (start: number, end: number, state: number): Found => ({
    lane, call: -1, start, end, text: `${lane.name}: ${state === 3 ? 'the browser’s, not in the loop' : STATES[state]}, ${time(Math.min(end, now) - start)}`,
  });
  if (lane.state >= 0 && us >= lane.since) return us <= now ? of(lane.since, Infinity, lane.state) : undefined;
  for (let n = lane.states.from(us); n >= 0 && n < starts.length && starts[n]! <= us; n++) {
    if (ends[n]! >= us) return of(starts[n]!, ends[n]!, kinds[n]!);
  }
  return undefined;
}

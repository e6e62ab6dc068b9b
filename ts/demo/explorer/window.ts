// SPDX-License-Identifier: MIT
/** The window on a timeline: it follows what happens, or stands still, and goes where the buttons, the keys and the pointer lead. */
import { grouped } from '../../bench/units.js';
import { find } from '../page.js';
import { call, Drawing, time, type Found, type Shown, type View } from './draw.js';

export const SPANS = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1e6, 2e6, 5e6, 1e7, 2e7, 6e7];
/** Shorter windows than this are shown as snapshots, one after the other. */
const SMOOTH_US = 1e6;
const SNAPSHOT_MS = matchMedia('(prefers-reduced-motion: reduce)').matches ? 2000 : 400;
/** The first ones come sooner, so that one sees at once that something runs. */
const FIRST_MS = 50;

/** What is shown, while there is something. */
export interface Source {
  readonly shown: Shown;
  /** Now, in µs since the recording began. */
  readonly now: number;
  /** When the last call-back has ended. */
  readonly last: number;
  read(): void;
}

export class TimeWindow {
  readonly #canvas = find<HTMLCanvasElement>('timeline');
  readonly #drawing = new Drawing(this.#canvas);
  readonly #view: View;
  #paused = false;
  /** What the view shows is the end of what is known, and nothing newer. */
  #shownNow = 0;
  #lastPicture = -Infinity;
  /** How long the picture stays, in ms. */
  #stays = FIRST_MS;

  /** zoomed: called when another width was chosen. says: more to say beside the width. */
  constructor(private readonly source: () => Source | undefined, span: number, private readonly zoomed: () => void, private readonly says: () => string = () => '') {
    this.#view = { start: 0, span };
  }

  get span(): number {
    return this.#view.span;
  }

  /** Only widths that the buttons lead to. */
  set span(us: number) {
    if (SPANS.includes(us)) this.#view.span = us;
  }

  get paused(): boolean {
    return this.#paused;
  }

  draw(): void {
    const { shown } = this.source() ?? {};
    if (!shown) return;
    this.#drawing.draw(shown, this.#view, this.#shownNow);
    const { hidden } = this.#drawing;
    find('span').textContent = `${time(this.#view.span)} wide${hidden ? `; ${grouped(hidden)} wake-ups: zoom in to see their arrows` : ''}${this.says()}`;
  }

  /** Shows the newest: all of it, or what has happened until the last call-back. */
  #follow({ now, last }: Source): void {
    const { span } = this.#view;
    this.#shownNow = now;
    this.#view.start = (span >= SMOOTH_US ? now : Math.min(now, (last || now) + span * 0.05)) - span;
    this.#view.chosen = undefined;
  }

  #frame(): void {
    requestAnimationFrame(() => this.#frame());
    const source = this.source();
    if (!source) return;
    if (!this.#paused) source.read();
    const now = performance.now();
    if (this.#paused || now - this.#lastPicture < (this.#view.span >= SMOOTH_US ? 0 : this.#stays)) return;
    this.#lastPicture = now;
    this.#stays = Math.min(SNAPSHOT_MS, this.#stays * 2);
    this.#follow(source);
    this.draw();
  }

  pause(on: boolean): void {
    this.#paused = on;
    find('pause').textContent = on ? 'Continue' : 'Pause';
    if (!on) this.#lastPicture = -Infinity;
  }

  #zoom(by: number, around = 0.5): void {
    const view = this.#view;
    const span = SPANS[Math.max(0, Math.min(SPANS.length - 1, SPANS.indexOf(view.span) + by))]!;
    view.start += (view.span - span) * around;
    view.span = span;
    this.zoomed();
    if (this.#paused) this.draw();
    else this.#lastPicture = -Infinity;
  }

  #move(us: number): void {
    this.pause(true);
    this.#view.start = Math.max(-this.#view.span, Math.min(this.#shownNow, this.#view.start + us));
    this.draw();
  }

  #choose(found: Found | undefined): void {
    this.#view.chosen = found;
    find('detail').textContent = found?.text ?? '';
    this.draw();
  }

  #show(found: Found | undefined): void {
    const view = this.#view;
    if (found && (found.start < view.start || found.start > view.start + view.span)) view.start = found.start - view.span / 2;
    this.#choose(found);
  }

  /** Chooses the call-back that comes so many after the chosen one in its lane. */
  #step(by: number): void {
    this.pause(true);
    const { chosen, start, span } = this.#view;
    const lane = chosen?.lane ?? this.source()?.shown.lanes[0];
    if (!lane) return;
    const from = chosen && chosen.call >= 0 ? chosen.call + by : lane.calls.from(chosen?.start ?? start + span / 2);
    this.#show(call(lane, Math.max(0, Math.min(lane.calls.starts.length - 1, from)), this.#shownNow));
  }

  #otherLane(by: number): void {
    this.pause(true);
    const { chosen, start, span } = this.#view;
    const lanes = this.source()?.shown.lanes ?? [];
    const lane = lanes[Math.max(0, Math.min(lanes.length - 1, (chosen ? lanes.indexOf(chosen.lane) : -1) + by))];
    if (lane) this.#show(call(lane, lane.calls.from(chosen?.start ?? start + span / 2), this.#shownNow) ?? { lane, call: -1, start, end: start, text: `${lane.name}: nothing yet` });
  }

  /** Begins to draw, and to do what the visitor wants. */
  listen(): void {
    const canvas = this.#canvas;
    const click = (id: string, work: () => void): void => find(id).addEventListener('click', work);
    click('pause', () => this.pause(!this.#paused));
    click('earlier', () => this.#move(-this.#view.span / 2));
    click('later', () => this.#move(this.#view.span / 2));
    click('in', () => this.#zoom(-1));
    click('out', () => this.#zoom(1));
    const place = (event: MouseEvent): [number, number] => [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];
    let grabbed: number | undefined;
    canvas.addEventListener('pointerdown', (event) => {
      grabbed = event.clientX;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener('pointerup', () => (grabbed = undefined));
    canvas.addEventListener('pointercancel', () => (grabbed = undefined));
    canvas.addEventListener('pointermove', (event) => {
      const { shown } = this.source() ?? {};
      if (!shown) return;
      if (grabbed === undefined) return this.#choose(this.#drawing.at(shown, this.#view, ...place(event), this.#shownNow));
      if (Math.abs(event.clientX - grabbed) < 3) return;
      this.#move(((grabbed - event.clientX) / canvas.clientWidth) * this.#view.span);
      grabbed = event.clientX;
    });
    canvas.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.#zoom(Math.sign(event.deltaY), place(event)[0] / canvas.clientWidth);
    }, { passive: false });
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.#move(-this.#view.span / 10), ArrowRight: () => this.#move(this.#view.span / 10),
      '+': () => this.#zoom(-1), '=': () => this.#zoom(-1), '-': () => this.#zoom(1), ' ': () => this.pause(!this.#paused),
      '.': () => this.#step(1), ',': () => this.#step(-1), PageDown: () => this.#otherLane(1), PageUp: () => this.#otherLane(-1),
    };
    canvas.addEventListener('keydown', (event) => {
      const work = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
      if (!work) return;
      event.preventDefault();
      work();
    });
    addEventListener('resize', () => this.draw());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#drawing.readColours();
      this.draw();
    });
    requestAnimationFrame(() => this.#frame());
  }
}

/** Offers a trace as a file to download, and returns its name. */
export function download(trace: unknown, name: string): string {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(trace)], { type: 'application/json' }));
  link.download = `${name}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return `Saved as ${link.download}: open it at ui.perfetto.dev, which reads it in your browser and sends it nowhere.`;
}

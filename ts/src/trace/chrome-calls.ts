// SPDX-License-Identifier: MIT
import type { ChromeEvent } from './chrome-event.js';
import type { TraceEvent } from './event.js';

/** The moments of a call besides that the function runs, and how they are shown. */
const MOMENTS: Record<string, string> = { aio_call_sent: 'call', aio_call_answered: 'answer', aio_call_returned: 'answered' };

/** A call of a function of another thread, by what is shown of it. */
interface Call {
  name: string;
  slices: Map<string, ChromeEvent>;
}

/** The calls in a trace: their names, which the callee alone knows, and the arrows between threads. */
export class ChromeCalls {
  readonly #calls = new Map<string, Call>();

  #call({ object, value }: TraceEvent): Call {
    const key = `${value}:${object}`;
    let call = this.#calls.get(key);
    if (!call) this.#calls.set(key, (call = { name: '', slices: new Map() }));
    return call;
  }

  /** Called for all events before add() is called for one of them. */
  learn(event: TraceEvent): void {
    if (event.type.name === 'aio_call_begin') this.#call(event).name = event.name;
  }

  /** What a moment of a call is called; undefined if the event is none. */
  momentOf(event: TraceEvent): string | undefined {
    const shown = MOMENTS[event.type.name];
    return shown && `${shown} ${this.#call(event).name}`.trim();
  }

  add(event: TraceEvent, slice: ChromeEvent): void {
    this.#call(event).slices.set(event.type.name, slice);
  }

  /** The arrows from caller to callee and back, and each call from its begin to its end. `ids` makes numbers of arrows. */
  *draw(ids: () => number, trackName: (tid: number) => string | undefined): Generator<ChromeEvent> {
    for (const { name, slices } of this.#calls.values()) {
      const [sent, begin, answered, returned] = ['aio_call_sent', 'aio_call_begin', 'aio_call_answered', 'aio_call_returned'].map((moment) => slices.get(moment));
      if (sent && begin) begin.args = { ...begin.args, caller: trackName(sent.tid) };
      for (const [from, to] of [[sent, begin], [answered, returned]]) {
        if (!from || !to) continue;
        const arrow = { name: 'call', cat: 'call', pid: 1, id: ids() };
        yield { ...arrow, ph: 's', ts: from.ts, tid: from.tid };
        yield { ...arrow, ph: 'f', bp: 'e', ts: Math.max(to.ts, from.ts), tid: to.tid };
      }
      if (!sent || !returned) continue;
      const whole = { name: name || 'call', cat: 'call', pid: 1, tid: sent.tid, id: ids() };
      yield { ...whole, ph: 'b', ts: sent.ts, args: { ...sent.args, callee: begin && trackName(begin.tid) } };
      yield { ...whole, ph: 'e', ts: Math.max(returned.ts, sent.ts) };
    }
  }
}

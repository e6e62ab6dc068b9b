// SPDX-License-Identifier: MIT
// The simulator in WebAssembly (build/sim/sim.wasm), for pages and for Node: runs scenarios, tells of a run step by step, and lets the
// caller choose which thread goes on. One thread, no shared memory, nothing of the library.
//
//   const sim = await Simulator.create(await (await fetch('sim.wasm')).arrayBuffer());
//   const found = sim.search('bh_by_another', { seeds: 1000 });     // { passed, steps, failure? }
//   if (found.failure) console.log(JSON.stringify(sim.interleaving()));

/**
 * @typedef {{ name: string, what: string, small: boolean }} Scenario
 * @typedef {{ seed: number, message: string }} Failure
 * @typedef {{ number: number, thread: string, file: string, line: number, operand: string, operation: string, value: string, source: string }} Step
 * @typedef {{ name: string, state: 'ready' | 'blocked' | 'ended', mayGoOn: boolean, next: { file: string, line: number, operand: string, source: string } | null }} Thread
 */

/** Thrown through the frames of a run that has ended. */
const LEAVE = new Error('the run has ended');

export class Simulator {
  #exports;
  #lines;
  /** Where the accesses are that were asked for. */
  #places = new Map();
  /** The scenario that is run by hand, and what was chosen. */
  #byHand = { scenario: 0, choices: [] };

  /** @param {Record<string, Record<string, string>>} lines */
  constructor(lines) {
    this.#lines = lines;
  }

  /** @param {BufferSource | WebAssembly.Module} source sim.wasm */
  static async create(source) {
    const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
    const [section] = WebAssembly.Module.customSections(module, 'sim.lines');
    const sim = new Simulator(section ? JSON.parse(new TextDecoder().decode(section)) : {});
    sim.#exports = (await WebAssembly.instantiate(module, { sim: sim.#imports() })).exports;
    sim.#exports._initialize();
    return sim;
  }

  #imports() {
    return {
      leave: () => {
        throw LEAVE;
      },
      protect: () => {
        try {
          this.#exports.sim_fiber_loop();
          return 1;
        } catch (error) {
          if (error !== LEAVE) this.#trapped(error);
          return 0;
        }
      },
      give_up: (why) => {
        throw new Error(`the simulator: ${this.#text(why)}`);
      },
      access: (number) => this.#places.set(number, functionOf(new Error().stack ?? '')),
    };
  }

  #trapped(error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    const at = this.#exports.sim_trapped();
    const { written } = new TextEncoder().encodeInto(`${error.message}, in ${functionOf(error.stack ?? '')}`, this.#bytes(at, 200));
    this.#bytes(at + written, 1)[0] = 0;
  }

  #bytes(at, length) {
    return new Uint8Array(this.#exports.memory.buffer, at, length);
  }

  #text(at) {
    if (at === 0) return '';
    const bytes = new Uint8Array(this.#exports.memory.buffer);
    return new TextDecoder().decode(bytes.slice(at, bytes.indexOf(0, at)));
  }

  #site(at) {
    const [file, line, text] = new Uint32Array(this.#exports.memory.buffer, at, 3);
    const name = this.#text(file);
    return { file: name, line, operand: this.#text(text), source: this.#lines[name]?.[line] ?? '' };
  }

  /** Every place in the source that is a step. */
  sites() {
    const found = [];
    for (let n = 0, at; (at = this.#exports.sim_site(n)) !== 0; n++) found.push(this.#site(at));
    return found;
  }

  /** @returns {Scenario[]} */
  scenarios() {
    const { sim_scenarios: count, sim_scenario_name: name, sim_scenario_what: what, sim_scenario_small: small } = this.#exports;
    return Array.from({ length: count() }, (_, n) => ({ name: this.#text(name(n)), what: this.#text(what(n)), small: small(n) !== 0 }));
  }

  #scenario(name) {
    const n = this.scenarios().findIndex((scenario) => scenario.name === name);
    if (n < 0) throw new RangeError(`there is no scenario '${name}': scenarios() lists them`);
    return n;
  }

  #result(passed) {
    const message = this.#text(this.#exports.sim_message());
    const steps = this.#exports.sim_steps();
    return message === '' ? { passed, steps } : { passed, steps, failure: { seed: this.#exports.sim_seed(), message } };
  }

  /**
   * Tries seeds of a scenario until one fails.
   * @param {string} scenario
   * @param {{ from?: number, seeds?: number }} [options]
   * @returns {{ passed: number, steps: number, failure?: Failure }}
   */
  search(scenario, { from = 0, seeds = 200 } = {}) {
    const passed = this.#exports.sim_search(this.#scenario(scenario), from, seeds);
    const { failure } = this.#result(passed);
    const steps = this.#exports.sim_steps();
    return failure ? { passed, steps, failure: this.run(scenario, failure.seed).failure } : { passed, steps };
  }

  /**
   * One run; interleaving() tells of it afterwards.
   * @param {string} scenario
   * @param {number} seed
   * @returns {{ passed: number, steps: number, failure?: Failure }}
   */
  run(scenario, seed) {
    const n = this.#scenario(scenario);
    const again = () => this.#exports.sim_run_seed(n, seed, true);
    return this.#named(this.#result(again()), again);
  }

  /** Says in which functions the accesses of a data race are. They are numbers at first; the same run again tells. */
  #named(result, again) {
    const ACCESS = /\baccess (\d+)\b/g;
    const accesses = [...(result.failure?.message.matchAll(ACCESS) ?? [])].map((match) => Number(match[1]));
    if (accesses.length === 0) return result;
    this.#places.clear();
    this.#exports.sim_want_accesses(accesses[0], accesses[1] ?? 0);
    again();
    this.#exports.sim_want_accesses(0, 0);
    result.failure.message = result.failure.message.replace(ACCESS, (text, number) => this.#places.get(Number(number)) ?? text);
    return result;
  }

  /**
   * Tries all orders of a small scenario, at most so many.
   * @param {string} scenario
   * @returns {{ orders: number, complete: boolean, steps: number, failure?: { message: string } }}
   */
  searchAll(scenario, most = 200000) {
    const orders = this.#exports.sim_search_all(this.#scenario(scenario), most);
    const { steps, failure } = this.#result(0);
    return { orders: Math.abs(orders), complete: !failure && orders > 0, steps, ...(failure ? { failure: { message: failure.message } } : {}) };
  }

  /** The last steps of the run, at most 4,096. @returns {Step[]} */
  interleaving() {
    const { sim_record_length: count, sim_record_step: step, sim_thread_name: thread, memory } = this.#exports;
    const end = count();
    const steps = [];
    for (let n = Math.max(0, end - 4096); n < end; n++) {
      const at = step(n);
      const view = new DataView(memory.buffer);
      steps.push({
        number: Number(view.getBigUint64(at + 16, true)), thread: this.#text(thread(view.getUint32(at + 24, true))),
        ...this.#site(view.getUint32(at, true)), operation: this.#text(view.getUint32(at + 4, true)),
        value: String(view.getBigInt64(at + 8, true)),
      });
    }
    return steps;
  }

  /**
   * Begins a run in which the caller is the scheduler: threads() says who may go on, and goOn() lets one of them take its next step.
   * Memory is sequentially consistent then. The run has ended when nobody may go on: result() says how.
   * @param {string} scenario
   */
  begin(scenario) {
    this.#byHand = { scenario: this.#scenario(scenario), choices: [] };
    this.#exports.sim_begin(this.#byHand.scenario);
  }

  /** @returns {Thread[]} */
  threads() {
    const { sim_thread_name: name, sim_thread_state: state, sim_thread_site: site, sim_ready: ready } = this.#exports;
    const found = [];
    for (let n = 0, at; (at = name(n)) !== 0; n++) {
      const next = site(n);
      found.push({ name: this.#text(at), state: /** @type {const} */ (['ready', 'blocked', 'ended'])[state(n)], mayGoOn: (ready() >>> n) % 2 === 1,
        next: next === 0 ? null : this.#site(next) });
    }
    return found;
  }

  /** Lets a thread go on, until the next choice. @param {number} thread its place in threads() */
  goOn(thread) {
    if (!this.#exports.sim_go_on(thread)) throw new RangeError(`thread ${thread} cannot go on: threads() says who may`);
    this.#byHand.choices.push(thread);
  }

  /** What a run by hand has come to. @returns {{ ended: boolean, steps: number, failure?: { message: string } }} */
  result() {
    const { scenario, choices } = this.#byHand;
    const { steps, failure } = this.#named(this.#result(0), () => {
      this.#exports.sim_begin(scenario);
      for (const thread of choices) this.#exports.sim_go_on(thread);
    });
    return { ended: this.#exports.sim_ready() === 0, steps, ...(failure ? { failure: { message: failure.message } } : {}) };
  }
}

/** The innermost function of a stack trace that is the program's. */
function functionOf(stack) {
  const names = [...stack.matchAll(/^\s*at (\S+) \(.*wasm|^(\S+)@.*wasm/gm)].map((match) => (match[1] ?? match[2]).split('.').pop().replace(/^aio_priv_/, ''));
  const name = names.find((candidate) => !/^(__tsan_|sim_)/.test(candidate));
  return name ? `${name}()` : 'an unknown function';
}

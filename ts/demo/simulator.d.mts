// SPDX-License-Identifier: MIT
/** What the page uses of test/sim/simulator.mjs, which lies beside it when it is served. */
export interface Step {
  number: number;
  thread: string;
  file: string;
  line: number;
  operation: string;
  value: string;
  source: string;
}
export interface Thread {
  name: string;
  state: 'ready' | 'blocked' | 'ended';
  mayGoOn: boolean;
  next: { file: string; line: number; source: string } | null;
}
export interface Failure {
  seed: number;
  message: string;
}
export class Simulator {
  static create(source: BufferSource | WebAssembly.Module): Promise<Simulator>;
  scenarios(): { name: string; what: string }[];
  search(scenario: string, options: { from?: number; seeds?: number }): { passed: number; steps: number; failure?: Failure };
  run(scenario: string, seed: number): { passed: number; steps: number; failure?: Failure };
  interleaving(): Step[];
  begin(scenario: string): void;
  threads(): Thread[];
  goOn(thread: number): void;
  result(): { ended: boolean; steps: number; failure?: { message: string } };
}

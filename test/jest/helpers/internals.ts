// SPDX-License-Identifier: MIT
/** What classes have beyond their public types, for tests that look inside. */
import type { OwnerHost } from '../../../dist/hosts/host.js';
import type { Helpers } from '../../../dist/runtime/helpers.js';
import type { Instance } from '../../../dist/runtime/instance.js';
import type { ContextPointer } from '../../../dist/runtime/exports.js';
import type { StartHelper } from '../../../dist/runtime/waiter.js';
import type { Threads } from '../../../dist/runtime/threads.js';

declare module '../../../dist/types/wasm-aio.js' {
  interface Runtime {
    readonly helpers: Promise<Helpers> | undefined;
    readonly startHelper: StartHelper;
    readonly host: OwnerHost;
    readonly instance: Instance;
    readonly threads: Threads;
    readonly held: { callbacks: number; pending: number };
    run<T>(work: () => T): T;
  }
}

declare module '../../../dist/types/wasm-aio.js' {
  interface IOThread<T> {
    readonly context: ContextPointer;
  }
}

declare module '../../../dist/types/wasm-aio.js' {
  interface AioContext {
    readonly held: { registrations: number; watched: number };
    readonly pointer: ContextPointer;
  }
}

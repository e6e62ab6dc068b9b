// SPDX-License-Identifier: MIT
import { AioContext } from '../api/context.js';
import type { HomeThread } from '../api/home.js';
import type { Core } from '../runtime/core.js';
import { cString, refusal } from '../runtime/instance.js';
import type { Failed, Part } from '../runtime/part.js';

/** The contexts of the owner's thread: the runtime's first one, and those that createContext() has made. */
export class OwnContexts implements Part {
  readonly home: HomeThread;
  /** The first context, which is closed with the runtime. */
  readonly context: AioContext;
  private readonly others = new Set<AioContext>();

  constructor(private readonly core: Core) {
    const contexts = this;
    const { instance, callbacks } = core;
    this.home = {
      instance,
      callbacks,
      get context() {
        return contexts.context;
      },
      get over() {
        return core.over;
      },
      run: (work) => core.run(work),
    };
    this.context = AioContext.make(this.home, core.context, 'owner', core.loop);
    core.parts.add(this);
  }

  get all(): AioContext[] {
    return [this.context, ...this.others];
  }

  create(name: string): AioContext {
    const { core } = this;
    const { instance, instance: { exports } } = core;
    const text = cString(instance, name);
    const pointer = core.run(() => exports.rt_context_new(text));
    exports.rt_free(text);
    if (pointer === 0) throw refusal(instance, `context '${name}'`);
    const loop = core.drive(pointer);
    const context = AioContext.make(this.home, pointer, name, loop, async () => {
      await loop.close();
      this.others.delete(context);
      if (core.over) return;
      if (!core.run(() => exports.rt_context_free(pointer))) throw refusal(instance, name);
    });
    this.others.add(context);
    loop.start();
    return context;
  }

  async close(): Promise<void> {
    if (this.core.hasFailed) return;
    await Promise.allSettled([...this.others].map((context) => context.close()));
    this.context.closeAll();
  }

  failed(): Failed {
    let waited = 0;
    for (const context of this.all) waited += context.abandon();
    return { waited, endings: [] };
  }
}

// SPDX-License-Identifier: MIT
import { optionsOf } from '../check.js';
import { AioError, messageOf } from '../errors.js';
import { ownerHost } from '../hosts/detect.js';
import type { OwnerHost } from '../hosts/host.js';
import { load, PAGE, sharedMemory } from '../runtime/module.js';
import { Runtime } from '../whole/runtime.js';
import { runtimeChecks, type RuntimeOptions } from '../runtime/runtime-options.js';
import { needsHelper } from '../runtime/waiter.js';
import wasm from '../wasm.js';
import { clock, extras, files, largestMemory } from './capabilities.js';
import { fault, note, ok, type Finding } from './finding.js';
import { examineModule, examinePage, examineWorkerScript, forbidden, HOW_TO_SEND_HEADERS } from './response.js';

/** How long a worker may take to start and to answer. */
const PATIENCE_MS = 10_000;

const ISOLATE_FAILS = `Load the page again, without Shift. isolate.js has to lie in the page's folder or above it, on https or localhost;
private windows of some browsers have no service workers, and the console says if registering failed.`;

const inBrowser = (host: OwnerHost): boolean => host.name === 'browser';

/** The implementation of doctor(): see load.ts. */
export async function examine(options: RuntimeOptions): Promise<Finding[]> {
  const checked = optionsOf(options, runtimeChecks);
  const host = await ownerHost();
  const found: Finding[] = [];
  const steps = [
    () => isolation(host), () => engine(host), () => examineSource(checked.module ?? wasm, host), () => memory(checked),
    () => workers(checked, inBrowser(host)), clock, extras,
  ];
  for (const step of steps) {
    const findings = [await step()].flat();
    found.push(...findings);
    if (findings.some(({ state }) => state === 'fault')) break;
  }
  return found;
}

/** Says so if one header alone isolates this page. In workers the header of their owner's page counts. */
async function byPolicy(): Promise<string> {
  if (typeof document !== 'object') return '';
  const response = await fetch(location.href, { cache: 'no-store' }).catch(() => undefined);
  return response?.ok && examinePage(response, new URL(location.href)).state === 'note' ? ', by its header Document-Isolation-Policy' : '';
}

async function isolation(host: OwnerHost): Promise<Finding> {
  if (!inBrowser(host)) return ok('isolation', 'not needed outside of browsers');
  const script = typeof document === 'object' && document.querySelector('script[src$="isolate.js"]') !== null;
  const controlled = Boolean((navigator.serviceWorker as ServiceWorkerContainer | undefined)?.controller);
  if (crossOriginIsolated) return ok('isolation', `this page is cross-origin isolated${script && controlled ? ', by its service worker isolate.js' : await byPolicy()}`);
  if (script) {
    return fault('isolation', controlled ? 'a service worker controls this page, but the page is not cross-origin isolated' : 'this page loads isolate.js, but no service worker controls it', ISOLATE_FAILS);
  }
  const url = new URL(location.href);
  const response = await fetch(url, { cache: 'no-store' }).catch(() => undefined);
  const finding = response ? examinePage(response, url) : undefined;
  if (finding?.state === 'fault') return finding;
  if (finding?.state === 'note') return fault('isolation', 'this browser does not know the header Document-Isolation-Policy of this page', HOW_TO_SEND_HEADERS);
  const framed = typeof window === 'object' && window.top !== window;
  return framed
    ? fault('isolation', 'this page is in a frame of one that is not cross-origin isolated', `${HOW_TO_SEND_HEADERS}\nThe outer page needs them, too, and the frame allow="cross-origin-isolated".`)
    : fault('isolation', 'this page is not cross-origin isolated', HOW_TO_SEND_HEADERS);
}

async function engine(host: OwnerHost): Promise<Finding> {
  const advice = 'Use a newer one: Node 20, Chromium 92, Firefox 114, Safari 16.4, or later.';
  // A module that consists of a memory section: one shared memory of one page.
  const shared = WebAssembly.validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1]));
  if (!shared) return fault('engine', 'this engine has no shared WebAssembly memory', advice);
  const node = typeof process === 'object' ? process.versions?.node : undefined;
  if (node !== undefined && parseInt(node) < 20) return fault('engine', `this is Node ${node}`, advice);
  try {
    await host.checkSupport();
  } catch (error) {
    return fault('engine', messageOf(error), advice);
  }
  const waits = needsHelper ? '; no Atomics.waitAsync: a worker more waits in its place' : '';
  return ok('engine', (node === undefined ? 'shared memory and atomics' : `Node ${node}`) + waits);
}

async function examineSource(source: NonNullable<RuntimeOptions['module']>, host: OwnerHost): Promise<Finding> {
  try {
    if (source instanceof URL && inBrowser(host)) {
      const finding = await examineModule(await fetch(source, { cache: 'no-store' }), source);
      return finding.state === 'fault' ? finding : ((await policy()) ?? finding);
    }
    await load(source, host);
    return ok('module', source instanceof URL ? `${source.href} compiles` : 'the one that was given compiles');
  } catch (error) {
    return fault('module', messageOf(error), "Give the file's address as Runtime.create's option `module` (docs/bundlers.md).");
  }
}

/** What a policy forbids although modules compile: WebKit refuses only their instances. */
async function policy(): Promise<Finding | undefined> {
  // A module without content.
  const module = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  return WebAssembly.instantiate(module).then(() => undefined, (error: unknown) => forbidden(messageOf(error)));
}

const LESS = 'A runtime takes this. Its requests fail with ERR_AIO_NO_MEMORY when the memory is full.';

async function memory({ maximumMemory }: RuntimeOptions): Promise<Finding> {
  const wanted = Math.ceil((maximumMemory ?? 1024 ** 3) / PAGE);
  const mib = (pages: number): number => (pages * PAGE) / 1024 ** 2;
  try {
    const pages = (await sharedMemory({ initial: 1, maximum: wanted }, maximumMemory)).maximum / PAGE;
    const text = `${mib(pages)} MiB of address space are available`;
    return pages < wanted ? note('memory', `${text}, and not ${mib(wanted)} MiB`, LESS) : ok('memory', `${text}, and up to ${largestMemory()} MiB for one memory`);
  } catch (error) {
    return fault('memory', `no shared memory of up to ${mib(wanted)} MiB: ${messageOf(error)}`,
      "Give a smaller maximumMemory, close other runtimes, or raise the limit: an engine reserves several GiB of address\nspace for each shared memory (ulimit -v, a container's limit), though it uses none of it.");
  }
}

/**
 * Observes which scripts a page's workers are created from, and what the page's Content-Security-Policy forbids
 * meanwhile.
 */
function watchWorkers(): { addresses: URL[]; violations: string[]; stop(): void } {
  const addresses: URL[] = [];
  const violations: string[] = [];
  const { Worker: original } = globalThis;
  if (typeof document !== 'object' || !original) return { addresses, violations, stop() {} };
  const forbidden = (event: SecurityPolicyViolationEvent): void => void violations.push(event.effectiveDirective);
  document.addEventListener('securitypolicyviolation', forbidden);
  globalThis.Worker = class extends original {
    constructor(url: string | URL, options?: WorkerOptions) {
      addresses.push(new URL(url, location.href));
      super(url, options);
    }
  };
  return {
    addresses, violations,
    stop() {
      globalThis.Worker = original;
      document.removeEventListener('securitypolicyviolation', forbidden);
    },
  };
}

async function workers(options: RuntimeOptions, browser: boolean): Promise<Finding | Finding[]> {
  const seen = watchWorkers();
  let runtime: Runtime | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    runtime = await Runtime.create({ ...options, reserve: 0 });
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
    });
    await Promise.race([runtime.iothread('doctor'), late]);
    return [ok('workers', 'one started, slept in WebAssembly and answered'), await Promise.race([files(runtime, browser), late])];
  } catch (error) {
    return await whyNoWorker(error, seen.addresses.at(-1), seen.violations.at(-1));
  } finally {
    clearTimeout(timer);
    seen.stop();
    await runtime?.close();
  }
}

async function whyNoWorker(error: unknown, address: URL | undefined, violated: string | undefined): Promise<Finding> {
  if (violated !== undefined) {
    return fault('workers', `the page's Content-Security-Policy forbids the worker ${address?.href ?? ''} (${violated})`,
      "Allow the script's origin: worker-src 'self'.");
  }
  if (address && address.origin !== location.origin && address.protocol !== 'blob:') {
    return fault('workers', `the worker's script ${address.href} is of another origin than the page, ${location.origin}`,
      "Serve it from the page's origin, or give Runtime.create's option `worker` (docs/bundlers.md).");
  }
  const response = address && (await fetch(address, { cache: 'no-store' }).catch(() => undefined));
  const cause = error instanceof AioError ? error.message : String(error);
  return (response && examineWorkerScript(response, address))
    ?? fault('workers', `no worker answers: ${cause}`, "Look at the console for the worker's own error; docs/troubleshooting.md has the usual ones.");
}

// SPDX-License-Identifier: MIT
/** Shared workers and service workers cannot own a runtime, and are told so in one sentence. */
export default async function ({ page, check, skip }) {
  if (!page) return 'only browsers have them';
  const script = new URL('./other-workers.worker.mjs', import.meta.url);
  const said = (port) => new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
  });
  const right = (error) => error.code === 'ERR_AIO_UNSUPPORTED' && error.message === 'a runtime needs a page or a dedicated worker';

  const { port } = new SharedWorker(script, { type: 'module' });
  const shared = await said(port);
  check(right(shared), `shared worker: ${shared.code} ${shared.message}`);

  const registration = await navigator.serviceWorker.register(script, { type: 'module' }).catch((error) => error);
  if (registration instanceof Error) skip(`this browser has no service workers that are modules: ${registration.message}`);
  try {
    const worker = registration.installing ?? registration.waiting ?? registration.active;
    while (worker.state !== 'activated') await new Promise((resolve) => worker.addEventListener('statechange', resolve, { once: true }));
    const { port1, port2 } = new MessageChannel();
    worker.postMessage('create', [port2]);
    const service = await said(port1);
    check(right(service), `service worker: ${service.code} ${service.message}`);
  } finally {
    await registration.unregister();
  }
}

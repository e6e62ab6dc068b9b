// SPDX-License-Identifier: MIT
/** A shared worker or a service worker that wants a runtime. */
import { Runtime } from 'wasm-aio';

const tell = async (port) => {
  const { code, message } = await Runtime.create().catch((error) => error);
  port.postMessage({ code, message });
};
addEventListener('connect', ({ ports: [port] }) => void tell(port));
addEventListener('message', (event) => event.waitUntil?.(tell(event.ports[0])));

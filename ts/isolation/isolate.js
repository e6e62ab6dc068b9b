// SPDX-License-Identifier: MIT
// Makes a page cross-origin isolated where its host sends no headers. The page loads this file as its first script, not
// bundled and not as a module, and registers it; the browser then runs it as the service worker, which adds the headers.
if (typeof window === 'undefined') {
  self.addEventListener('install', () => self.skipWaiting());
  self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener('fetch', (event) => {
    const { request } = event;
    if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
    event.respondWith(
      fetch(request).then((response) => {
        if (response.type === 'opaque' || response.type === 'opaqueredirect') return response;
        const headers = new Headers(response.headers);
        headers.set('Cross-Origin-Opener-Policy', 'same-origin');
        headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
        const { status, statusText } = response;
        const body = [101, 204, 205, 304].includes(status) ? null : response.body;
        return new Response(body, { status, statusText, headers });
      }),
    );
  });
} else if (!window.crossOriginIsolated && window.isSecureContext && 'serviceWorker' in navigator) {
  // Only once: if the page does not become isolated by it, it stays as it is.
  navigator.serviceWorker.register(document.currentScript.src).then(async () => {
    await navigator.serviceWorker.ready;
    if (sessionStorage.getItem('isolate') === 'tried') return;
    sessionStorage.setItem('isolate', 'tried');
    location.reload();
  }, (error) => console.error('isolate.js: no service worker:', error));
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = (event: MessageEvent<string>) => (document.body.textContent = `polls is a ${event.data}`);
worker.onerror = (event) => (document.body.textContent = `failed: ${event.message}`);

// The worker file of random programs in a page.
import { currentSignal, serve, sync } from '/dist/iothread-browser.js';
import { start } from './service.mjs';

start({ serve, sync, currentSignal }, import.meta.url, () => self.close());

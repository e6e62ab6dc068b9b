// The worker file of random programs in a page.
import { serve } from '/dist/iothread-browser.js';
import { start } from './service.mjs';

start(serve, import.meta.url, () => self.close());

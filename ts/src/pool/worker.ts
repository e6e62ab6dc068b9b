// SPDX-License-Identifier: MIT
/** The module that a pool's IOThreads import if the user's file is given by `module`. It is bundled, because it is loaded by its address. */
import { serve } from '../iothread/serve.js';
import { poolService } from './tasks.js';

serve(poolService());

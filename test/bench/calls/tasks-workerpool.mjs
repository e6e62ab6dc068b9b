// SPDX-License-Identifier: MIT
// The same tasks, as workerpool's workers are told of them.
import workerpool from 'workerpool';
import { busy, empty } from './tasks.mjs';

workerpool.worker({ busy, empty });

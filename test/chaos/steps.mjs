// All kinds of steps. A kind has a weight (how often it is drawn), make(random), which draws a
// step's data, and run(world, step), which does it and may return a promise; hosts: where it can
// be done, if not everywhere.
import { callSteps } from './steps-calls.mjs';
import { codeSteps } from './steps-code.mjs';
import { endSteps } from './steps-ends.mjs';
import { fileSteps } from './steps-files.mjs';
import { guestSteps } from './steps-guests.mjs';
import { loopSteps } from './steps-loops.mjs';
import { socketSteps } from './steps-sockets.mjs';

export const stepKinds = { ...loopSteps, ...fileSteps, ...codeSteps, ...callSteps, ...endSteps, ...guestSteps, ...socketSteps };

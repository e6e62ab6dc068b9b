// Writes docs/api.md.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OUTPUT, markdown } from './declarations.mjs';

writeFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), OUTPUT), markdown());

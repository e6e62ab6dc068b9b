// Writes what is made from the sources: docs/api.md, docs/errors.md and the codes of
// AioError in TypeScript.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OUTPUT, markdown } from './declarations.mjs';
import { CODES_PAGE, CODES_TS, codesPage, codesTypeScript } from './error-codes.mjs';

/** The text of each file, by its path. */
export const generated = { [OUTPUT]: markdown, [CODES_TS]: codesTypeScript, [CODES_PAGE]: codesPage };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of Object.entries(generated)) writeFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), file), text());
}

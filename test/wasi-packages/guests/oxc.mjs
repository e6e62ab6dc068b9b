// oxc-parser: parses in the first thread, and in the threads of emnapi.
import { bindingOf } from './emnapi.js';
export { imports, instantiated, message } from './emnapi.js';

const TEXT = 'import a from "b"; let c = 1; export default class {}';

export async function run(guest) {
  const { parseSync, parse } = bindingOf(guest);
  const results = [parseSync('a.js', TEXT), ...(await Promise.all([1, 2, 3].map(() => parse('a.js', TEXT))))];
  const kinds = results.map(({ program }) => JSON.parse(program).node.body.map(({ type }) => type).join(' '));
  return kinds.every((found) => found === 'ImportDeclaration VariableDeclaration ExportDefaultDeclaration') ? 0 : 1;
}

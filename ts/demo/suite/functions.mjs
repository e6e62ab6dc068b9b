// SPDX-License-Identifier: MIT
// The scripts that the conformance suite's cases run in workers, as a module: for pages whose policy refuses workers made from texts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const isFunction = (node) => ts.isArrowFunction(node) || ts.isFunctionExpression(node);

/** The module's source. folder: that of the areas. */
export function functionsModule(folder) {
  const entries = new Map();
  for (const name of readdirSync(folder)) {
    const source = ts.createSourceFile(name, readFileSync(join(folder, name), 'utf8'), ts.ScriptTarget.Latest, true);
    const functions = new Map();
    const add = (text, code = text) => entries.set(text, code);
    const visit = (node) => {
      if (ts.isVariableDeclaration(node) && node.initializer && isFunction(node.initializer)) functions.set(node.name.getText(), node.initializer);
      // The text of a case's method as an expression, as suite.js has it.
      if (ts.isMethodDeclaration(node) && node.name.getText() === 'run') {
        add(node.getText().replace(/^(async )?run\(/, (_, async = '') => `${async}function run(`));
      }
      if (ts.isCallExpression(node) && node.arguments.length > 0) {
        const [first] = node.arguments;
        const called = node.expression.getText();
        if (called === 'worker' && isFunction(first)) add(first.getText());
        if (called === 'worker' && functions.has(first.getText())) add(functions.get(first.getText()).getText());
        if (called === 'script' && ts.isStringLiteralLike(first)) add(first.text, `() => {\n${first.text}\n}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return `export const functions = new Map([\n${[...entries].map(([text, code]) => `[${JSON.stringify(text)}, ${code}],\n`).join('')}]);\n`;
}

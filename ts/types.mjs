// Makes the declarations that the package has, dist/types/, of those that tsc writes for each source:
// one file with all that is public and what that is made of, and an entry each that names its part.
//
// They stand alone: no type of another package, of the DOM or of Node is in them, and `Symbol.dispose` and
// `Symbol.asyncDispose`, which TypeScript knows only with the library esnext.disposable, are members where it does.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const ALL = 'wasm-aio';
/** The entries, and the sources that say what each exports. */
const ENTRIES = { index: 'public', wasi: 'wasi/public', iothread: 'iothread/public', pool: 'pool/public', ring: 'ring/public', socket: 'socket/public', streams: 'streams' };

const paths = Object.values(ENTRIES).map((name) => join(dist, `${name}.d.ts`));
const program = ts.createProgram(paths, {
  module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, lib: ['lib.esnext.d.ts', 'lib.dom.d.ts'], types: [], skipLibCheck: true,
});
const checker = program.getTypeChecker();

const isOurs = (node) => node.getSourceFile().fileName.startsWith(dist);
const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);

/** The statement that declares something at the top of a file; undefined: it is a member, a parameter or the like. */
function statementOf(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return statement.parent && ts.isSourceFile(statement.parent) ? statement : undefined;
}

/** All statements that the exports need, each once. */
function collect(symbols) {
  const statements = new Set();
  const todo = [...symbols];
  const seen = new Set(todo);
  const follow = (node) => {
    if (ts.isImportTypeNode(node)) throw new Error(`${node.getSourceFile().fileName}: ${node.getText()}: import the type by name`);
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node);
      const symbol = found && resolved(found);
      if (symbol && !seen.has(symbol) && symbol.declarations?.some((declaration) => isOurs(declaration) && statementOf(declaration))) {
        seen.add(symbol);
        todo.push(symbol);
      }
    }
    ts.forEachChild(node, follow);
  };
  for (const symbol of todo) {
    for (const declaration of symbol.declarations ?? []) {
      const statement = isOurs(declaration) ? statementOf(declaration) : undefined;
      if (!statement || statements.has(statement)) continue;
      statements.add(statement);
      follow(statement);
    }
  }
  return [...statements];
}

const namesOf = (statement) => (ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement]).map(({ name }) => name.text);

/** A member whose name is Symbol.dispose or Symbol.asyncDispose. */
const disposerOf = (member) =>
  member.name && ts.isComputedPropertyName(member.name) ? /^Symbol\.(dispose|asyncDispose)$/.exec(member.name.expression.getText())?.[1] : undefined;

/** The interfaces that TypeScript's library and Node's types have for it; elsewhere they are empty. */
const DISPOSERS = { dispose: 'Disposable', asyncDispose: 'AsyncCloser' };

/** The text of a statement, exported or not, without its disposers; these are told of in an interface of the same name. */
function print(statement, exported) {
  const source = statement.getSourceFile().text;
  const cuts = [];
  const disposers = new Set();
  for (const member of statement.members ?? []) {
    const disposer = disposerOf(member);
    if (!disposer) continue;
    disposers.add(DISPOSERS[disposer]);
    cuts.push([member.getFullStart(), member.end]);
  }
  let text = '';
  let at = statement.getFullStart();
  for (const [start, end] of cuts) {
    text += source.slice(at, start);
    at = end;
  }
  text += source.slice(at, statement.end);
  // What comes before the first statement of a file is the file's own.
  const comments = ts.getLeadingCommentRanges(source, statement.getFullStart()) ?? [];
  const doc = comments.at(-1);
  const head = doc && source.startsWith('/**', doc.pos) ? `${source.slice(doc.pos, doc.end)}\n` : '';
  const body = text.slice(statement.getStart() - statement.getFullStart()).replace(/^(export |declare )+/, '');
  const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  const parameters = statement.typeParameters ? `<${statement.typeParameters.map((parameter) => parameter.getText()).join(', ')}>` : '';
  const more = disposers.size > 0 ? `\n${exported ? 'export ' : ''}interface ${namesOf(statement)[0]}${parameters} extends ${[...disposers].join(', ')} {}` : '';
  return `${head}${exported ? 'export ' : ''}${isType ? '' : 'declare '}${body}${more}`;
}

const exportsOf = (name) => checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(join(dist, `${name}.d.ts`))));
const all = new Map(Object.values(ENTRIES).flatMap((name) => exportsOf(name).map((symbol) => [resolved(symbol), symbol.name])));
const statements = collect(all.keys());
const exported = new Set(all.values());
const names = new Map();
for (const statement of statements) {
  for (const name of namesOf(statement)) {
    const other = names.get(name);
    if (other && other.getSourceFile() !== statement.getSourceFile()) throw new Error(`two public types are called ${name}: ${[other, statement].map((one) => one.getSourceFile().fileName)}`);
    names.set(name, statement);
  }
}

const header = '// SPDX-License-Identifier: MIT\n';
const whole = `${header}// Made by ts/types.mjs; do not edit.

declare global {
    /** Has [Symbol.dispose]() where TypeScript knows that symbol. */
    interface Disposable {}
    /** Has [Symbol.asyncDispose]() where TypeScript knows that symbol. */
    interface AsyncDisposable {}
}
/** An AsyncDisposable that is closed by a Promise. */
type AsyncCloser = { [K in keyof AsyncDisposable]: () => Promise<void> } & AsyncDisposable;

${statements.map((statement) => print(statement, namesOf(statement).some((name) => exported.has(name)))).join('\n\n')}

export {};
`;
mkdirSync(join(dist, 'types'), { recursive: true });
writeFileSync(join(dist, 'types', `${ALL}.d.ts`), whole);
for (const [entry, source] of Object.entries(ENTRIES)) {
  const list = exportsOf(source).map((symbol) => (resolved(symbol).flags & ts.SymbolFlags.Value ? symbol.name : `type ${symbol.name}`));
  // What the source exports as a type alone is a class elsewhere perhaps.
  const text = readFileSync(join(dist, `${source}.d.ts`), 'utf8');
  const isTypeOnly = (name) => new RegExp(`export type \\{[^}]*\\b${name}\\b[^}]*\\}`).test(text);
  const specifiers = list.map((item) => (!item.startsWith('type ') && isTypeOnly(item) ? `type ${item}` : item));
  writeFileSync(join(dist, 'types', `${entry}.d.ts`), `${header}export {\n  ${specifiers.join(',\n  ')},\n} from './${ALL}.js';\n`);
}

// SPDX-License-Identifier: MIT
/** The functions of the package's public types, with the types of their parameters. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { pathOf } from './paths.js';

/** A parameter in one or several signatures. */
export interface Parameter {
  /** All names that it has. */
  readonly names: string[];
  readonly types: ts.Type[];
  readonly isRest: boolean;
}

export interface Callable {
  /** `release`, `Runtime.create` (static), `Runtime#call` (of its objects), `new AioError`. */
  readonly name: string;
  readonly parameters: Parameter[];
}

const manifest = JSON.parse(readFileSync(pathOf('package.json'), 'utf8')) as { exports: Record<string, { types?: string }> };
const entries = [
  ...Object.values(manifest.exports).flatMap(({ types }) => (types === undefined ? [] : [pathOf(types)])),
  // What bundlers take for pages has no types of its own.
  ...['browser', 'wasi-browser', 'iothread-browser'].map((name) => pathOf(`dist/${name}.d.ts`)),
];
const program = ts.createProgram(entries, {
  strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2024.d.ts', 'lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'], types: ['node'], skipLibCheck: true, noEmit: true,
});
const checker = program.getTypeChecker();
const ours = pathOf('dist/');

const isOurs = (node: ts.Node | undefined): boolean => node?.getSourceFile().fileName.startsWith(ours) ?? false;

function isPublic(declaration: ts.Declaration | undefined): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return declaration !== undefined && isOurs(declaration) && (ts.getCombinedModifierFlags(declaration) & hidden) === 0;
}

function callable(name: string, signatures: readonly ts.Signature[]): Callable[] {
  const visible = signatures.filter((signature) => isPublic(signature.declaration));
  if (visible.length === 0) return [];
  const count = Math.max(...visible.map((signature) => signature.parameters.length));
  const parameters = Array.from({ length: count }, (_, n): Parameter => {
    const symbols = visible.flatMap((signature) => signature.parameters[n] ?? []);
    const declarations = symbols.map((symbol) => symbol.valueDeclaration as ts.ParameterDeclaration);
    return {
      names: [...new Set(symbols.map((symbol) => symbol.name))],
      types: symbols.map((symbol, i) => checker.getTypeOfSymbolAtLocation(symbol, declarations[i] as ts.Node)),
      isRest: declarations.some((declaration) => declaration.dotDotDotToken !== undefined),
    };
  });
  return [{ name, parameters }];
}

function members(name: string, type: ts.Type): Callable[] {
  return checker.getPropertiesOfType(type).filter((member) => member.name !== 'prototype' && isPublic(member.valueDeclaration)).flatMap((member) => {
    const of = checker.getTypeOfSymbolAtLocation(member, member.valueDeclaration as ts.Node);
    return callable(`${name}${member.name}`, of.getCallSignatures());
  });
}

/** All that the entries export and that there is at run time. */
function* exported(): Generator<ts.Symbol & { valueDeclaration: ts.Declaration }> {
  for (const entry of entries) {
    const source = program.getSourceFile(entry);
    const module = source && checker.getSymbolAtLocation(source);
    for (const each of module ? checker.getExportsOfModule(module) : []) {
      const symbol = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
      if (symbol.valueDeclaration) yield symbol as ts.Symbol & { valueDeclaration: ts.Declaration };
    }
  }
}

const isClass = ({ flags }: ts.Symbol): boolean => (flags & ts.SymbolFlags.Class) !== 0;

export const publicClasses = (): string[] => [...new Set([...exported()].filter(isClass).map(({ name }) => name))];

/** Everything that a user can call. */
export function publicFunctions(): Callable[] {
  const found = new Map<string, Callable>();
  for (const symbol of exported()) {
    const type = checker.getTypeOfSymbolAtLocation(symbol, symbol.valueDeclaration);
    const isAbstract = (ts.getCombinedModifierFlags(symbol.valueDeclaration) & ts.ModifierFlags.Abstract) !== 0;
    const all = isClass(symbol)
      ? [
        ...(isAbstract ? [] : callable(`new ${symbol.name}`, type.getConstructSignatures())),
        ...members(`${symbol.name}.`, type), ...members(`${symbol.name}#`, checker.getDeclaredTypeOfSymbol(symbol)),
      ]
      : callable(symbol.name, type.getCallSignatures());
    for (const each of all) found.set(each.name, each);
  }
  return [...found.values()];
}

// ---- Types ----

/** The members of a union, and what a type parameter, or a type that depends on one, stands for. */
function alternatives(type: ts.Type): ts.Type[] {
  if (type.isUnion()) return type.types.flatMap(alternatives);
  if (type.flags & ts.TypeFlags.Conditional) return [checker.getUnknownType()];
  if (type.flags & ts.TypeFlags.TypeParameter) return alternatives(checker.getBaseConstraintOfType(type) ?? checker.getUnknownType());
  return [type];
}

/** The types that the elements of an array or a tuple have. */
function elementsOf(type: ts.Type): ts.Type[] {
  return checker.isArrayType(type) || checker.isTupleType(type)
    ? checker.getTypeArguments(type as ts.TypeReference).flatMap((argument) => alternatives(argument).flatMap((each) => (checker.isArrayType(each) ? elementsOf(each) : [each])))
    : [];
}

/** The types that a parameter takes: those of its elements if it is a rest parameter. */
export function typesOf({ types, isRest }: Parameter): ts.Type[] {
  const all = types.flatMap(alternatives);
  return isRest ? all.flatMap(elementsOf) : all;
}

/** The options of an object that has nothing but data, of the package's own types. */
export function optionsOf(types: readonly ts.Type[]): Map<string, ts.Type[]> {
  const found = new Map<string, ts.Type[]>();
  for (const type of types.filter((type) => type.flags & ts.TypeFlags.Object || type.isIntersection())) {
    if (type.isClass() || type.getCallSignatures().length > 0) continue;
    for (const property of checker.getPropertiesOfType(type)) {
      const { valueDeclaration } = property;
      if (!valueDeclaration || !isOurs(valueDeclaration) || !ts.isPropertySignature(valueDeclaration)) continue;
      const before = found.get(property.name) ?? [];
      found.set(property.name, [...before, ...alternatives(checker.getTypeOfSymbolAtLocation(property, valueDeclaration))]);
    }
  }
  return found;
}

function isObjectOf(type: ts.Type, value: object, classes: Readonly<Record<string, unknown>>): boolean {
  const name = type.symbol?.name ?? '';
  if (name === 'Function' || type.getCallSignatures().length > 0) return typeof value === 'function';
  if (checker.isArrayType(type) || checker.isTupleType(type)) return Array.isArray(value) && value.every((element) => mayBe(elementsOf(type), element, classes));
  const found = classes[name];
  if (typeof found === 'function') return value instanceof found && !(value instanceof Uint8Array && value.length === 0);
  // A property that throws is no value of any type.
  Reflect.ownKeys(value).forEach((key) => (value as Record<PropertyKey, unknown>)[key]);
  if (typeof value === 'function' || Array.isArray(value)) return false;
  const required = checker.getPropertiesOfType(type).filter((property) => (property.flags & ts.SymbolFlags.Optional) === 0);
  return required.every(({ name }) => name in value);
}

/** Whether a value may be of one of the types, as far as JavaScript can tell. False: it must be refused. */
export function mayBe(types: readonly ts.Type[], value: unknown, classes: Readonly<Record<string, unknown>>): boolean {
  return types.some((type) => {
    const { flags } = type;
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return true;
    if (type.isLiteral() && flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.NumberLiteral)) return type.value === value;
    if (flags & ts.TypeFlags.StringLike) return typeof value === 'string';
    if (flags & ts.TypeFlags.NumberLike) return typeof value === 'number' && !Number.isNaN(value);
    if (flags & ts.TypeFlags.BigIntLike) return typeof value === 'bigint';
    if (flags & ts.TypeFlags.BooleanLike) return typeof value === 'boolean';
    if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return value === undefined;
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    if (flags & ts.TypeFlags.NonPrimitive) return isObject;
    try {
      return isObject && isObjectOf(type, value, classes);
    } catch {
      return false;
    }
  });
}

// Which public members of a declaration file have no doc comment, or one that says nothing by itself in an editor's pop-up.
import { readFileSync } from 'node:fs';

const MIN_WORDS = 4;

/** What an editor shows for a declaration: its comment's text, without tags. */
function textOf(ts, node) {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return ts.getTextOfJSDocComment(docs.at(-1)?.comment)?.trim() ?? '';
}

/** Why a comment is refused; undefined: it is a sentence. */
function faultOf(text) {
  if (text === '') return 'has no doc comment';
  const [first] = text.split(/\.(?=\s|$)/);
  if (first.split(/\s+/).length < MIN_WORDS) return `has a doc comment whose first sentence has less than ${MIN_WORDS} words: ${JSON.stringify(text)}`;
  if (!/^[A-Z0-9`].*[.)]$/s.test(text)) return `has a doc comment that is no sentence: ${JSON.stringify(text)}`;
  return undefined;
}

const isPublic = (ts, node) =>
  !(node.name && ts.isPrivateIdentifier(node.name)) && !(ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private);

/** Whether a property needs no comment: it must be absent, or it is the only one of a literal that has a comment itself. */
const needsNone = (ts, node) =>
  ts.isPropertySignature(node) && (node.type?.kind === ts.SyntaxKind.UndefinedKeyword || (ts.isTypeLiteralNode(node.parent) && node.parent.members.length === 1 && !ts.isParameter(node.parent.parent)));

/** Whether a node is something that a program can name. */
const isMember = (ts, node) =>
  ts.isPropertyDeclaration(node) || ts.isPropertySignature(node) || ts.isMethodDeclaration(node) || ts.isMethodSignature(node)
  || ts.isGetAccessor(node) || ts.isConstructorDeclaration(node);

const isDeclaration = (ts, node) =>
  ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isFunctionDeclaration(node);

/** An interface without members only adds to the class of its name. */
const isAddition = (ts, node) => ts.isInterfaceDeclaration(node) && node.members.length === 0 && node.heritageClauses !== undefined;

/** ['AioFile.path has no doc comment', …] for a declaration file. */
export function undocumented(ts, file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
  const faults = [];
  const visit = (node, owner) => {
    let name = owner;
    const declares = isDeclaration(ts, node) && node.parent === source && !isAddition(ts, node);
    if (declares || (isMember(ts, node) && isPublic(ts, node) && !needsNone(ts, node))) {
      const own = node.name?.getText() ?? 'constructor';
      name = owner ? `${owner}.${own}` : own;
      const fault = faultOf(textOf(ts, node));
      if (fault) faults.push(`${name} ${fault}`);
    }
    ts.forEachChild(node, (child) => visit(child, name));
  };
  ts.forEachChild(source, (statement) => visit(statement, ''));
  return faults;
}

// The C reference: a page for each public header, made of its declarations and their comments.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Markdown that shows the text as it is: comments in C have no markup of their own but `code`. */
const prose = (text) => text.replace(/(`[^`]*`)|[<{|*_]/g, (found, code) => code ?? { '<': '&lt;', '{': '&#123;' }[found] ?? `\\${found}`);

/** What a comment says, as paragraphs and lists: its lines without their stars. */
function commentText(comment) {
  const lines = comment.trim().replace(/^\/\*+[ \t]?|\s*\*+\/$/g, '').split('\n').map((line) => line.replace(/^\s*\*? ?/, '').trimEnd());
  // Lines that are set in are a list without marks.
  return prose(lines.join('\n').trim()).replace(/\n(?= {2,}\S)/g, '\\\n');
}

/** The names that a declaration makes known. */
function namesOf(declaration) {
  const code = declaration.replace(/\/\*[^]*?\*\//g, '').replace(/\{[^{}]*(\{[^{}]*\}[^{}]*)*\}/g, '{}');
  const names = [];
  for (const [, name] of code.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)/gm)) names.push(name);
  for (const statement of code.replace(/^[ \t]*#(?:.*\\\n)*.*$/gm, '').split(/;/)) {
    const text = statement.trim();
    const pointer = /^typedef\b[^]*?\(\*\s*(\w+)\)\s*\(/.exec(text);
    const [, name] = pointer ?? /(\w+)\s*\([^]*\)\s*(?:\{\})?$/.exec(text.replace(/__attribute__\s*\(\(.*?\)\)/g, '').trim())
      ?? /^(?:struct|union|enum)\s+(\w+)\s*(?:\{\})?$/.exec(text) ?? /(\w+)(?:\[[^\]]*\])?$/.exec(text) ?? [];
    if (name !== undefined && text !== '' && !/^(extern|static)$/.test(name)) names.push(name);
  }
  return [...new Set(names)];
}

/** A function that is defined in the header and a long macro are shown without their bodies, a struct
 * without its private members. */
const withoutInside = (code) => code
  .replace(/^((?:static )?inline [^;{}]*\))\n?\s*\{[^]*?^\}$/gm, '$1;')
  .replace(/^([ \t]*#[ \t]*define \w+(?:\([^)]*\))?)[^\n]*\\\n(?:.*\\\n)*.*$/gm, '$1 …')
  .replace(/^( +)\/\* Private [^]*?^\}/gm, '$1/* Private members follow. */\n}');

/** The groups of a header that blank lines separate, where no brace is open. */
function* groupsOf(text) {
  let group = [];
  let depth = 0;
  let inComment = false;
  for (const line of text.split('\n')) {
    if (line.trim() === '' && depth === 0 && !inComment && !group.at(-1)?.endsWith('\\')) {
      if (group.length > 0) yield group.join('\n');
      group = [];
      continue;
    }
    group.push(line);
    const opened = inComment ? line.replace(/^.*?\*\//, '') : line;
    const code = opened.replace(/\/\*.*?\*\//g, '');
    inComment = inComment ? !line.includes('*/') || /\/\*(?!.*\*\/)/.test(opened) : /\/\*/.test(code);
    if (!inComment || /\/\*/.test(code)) {
      const seen = code.replace(/\/\*.*$/, '').replace(/'[{}]'|"[^"]*"/g, '');
      depth += (seen.match(/\{/g) ?? []).length - (seen.match(/\}/g) ?? []).length;
    }
  }
  if (group.length > 0) yield group.join('\n');
}

const COMMENT = /^\/\*[^]*?\*\/\n?/;

/** The header's text without what only the compiler needs. */
const withoutFrame = (text) => text
  .replace(/^\/\* SPDX[^\n]*\n/, '')
  .replace(/^#ifndef (\w+_H)\n#define \1\n/m, '')
  .replace(/^#ifdef __cplusplus\n[^]*?^#endif\n/gm, '')
  .replace(/^#include .*\n/gm, '')
  .replace(/\n#endif[^\n]*\n*$/, '\n');

/** One page: {title, names, markdown}. */
export function headerPage(header, source) {
  let markdown = '';
  const names = [];
  let first = true;
  for (const group of groupsOf(withoutFrame(source))) {
    // A comment may stand above each of several declarations without a blank line between them.
    for (const part of group.split(/\n(?=\/\*)/)) {
      const [comment = ''] = COMMENT.exec(part) ?? [];
      const code = withoutInside(part.slice(comment.length)).trim();
      const [, section] = /^\/\* -+ (.*?) -+ \*\/$/.exec(comment.trim()) ?? [];
      if (section !== undefined) markdown += `## ${prose(section)}\n\n`;
      else if (code === '' || first) markdown += comment && `${commentText(comment)}\n\n`;
      first = false;
      if (code === '') continue;
      const declared = namesOf(code);
      // A name that ends with _ is the headers' own.
      if (declared.length > 0 && declared.every((name) => name.endsWith('_'))) continue;
      // A type may be declared before it is defined: the anchor is that of the first.
      const anchor = declared.find((name) => !names.includes(name));
      names.push(...declared);
      const title = declared.slice(0, 3).map((name) => `\`${name}\``).join(', ') + (declared.length > 3 ? ' …' : '');
      if (declared.length > 0) markdown += `### ${title}${anchor ? ` {#${anchor}}` : ''}\n\n`;
      markdown += `\`\`\`c\n${code}\n\`\`\`\n\n`;
      if (section === undefined && comment !== '') markdown += `${commentText(comment)}\n\n`;
    }
  }
  return { header, names, markdown: `# ${header}\n\n\`#include "${header}"\`\n\n${markdown}` };
}

/** The pages of all public headers below a folder. */
export function headerPages(include) {
  return readdirSync(include, { recursive: true }).filter((name) => name.endsWith('.h')).sort()
    .map((header) => headerPage(header, readFileSync(join(include, header), 'utf8')));
}

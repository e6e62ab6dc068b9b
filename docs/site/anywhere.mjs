// VitePress makes sites whose addresses begin with the path above them. This lets a site stand under any path: its pages
// have relative links, and its scripts find out where they are.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseAst } from 'vite';

/** What stands for that path while the site is made. */
export const PLACE = '/-the-path-above-/docs/';

/** Each string of a script that has the placeholder gets the path in its stead when the script runs. path: an expression for it. */
function replaced(code, path) {
  const found = [];
  const visit = (node, parent, key) => {
    if (Array.isArray(node)) return node.forEach((one) => visit(one, parent, key));
    if (typeof node?.type !== 'string') return;
    const isText = (node.type === 'Literal' && typeof node.value === 'string') || node.type === 'TemplateLiteral';
    if (isText && code.slice(node.start, node.end).includes(PLACE)) {
      if (key === 'source' || (parent.type === 'Property' && key === 'key') || key === 'quasi') throw new Error(`the site has the path above it in a ${parent.type}: ${code.slice(node.start, node.start + 80)}`);
      return void found.push(node);
    }
    for (const [name, value] of Object.entries(node)) if (typeof value === 'object') visit(value, node, name);
  };
  visit(parseAst(code), undefined, '');
  for (const { start, end } of found.sort((a, b) => b.start - a.start)) {
    code = `${code.slice(0, start)}(${code.slice(start, end)}).replaceAll(${JSON.stringify(PLACE)},${path})${code.slice(end)}`;
  }
  return code;
}

/** A page's links are relative until its scripts run; these show other pages without loading them, so links have to be absolute then. */
const ABSOLUTE = '<script type="module">for (const link of document.querySelectorAll(\'a[href^="."]\')) link.setAttribute("href", link.pathname + link.search + link.hash)</script>';

/** Lets the site in this folder, which was made with PLACE as its base, stand under any path. */
export function standAnywhere(html) {
  for (const name of readdirSync(html, { recursive: true }).map(String).filter((file) => /\.(html|js|css)$/.test(file))) {
    const file = join(html, name);
    const text = readFileSync(file, 'utf8');
    if (!text.includes(PLACE)) continue;
    // The path from the file to the top of the site.
    const top = `${posix.relative(posix.dirname(name), '') || '.'}/`;
    let next;
    if (name.endsWith('.js')) next = replaced(text, `new URL(${JSON.stringify(top)},import.meta.url).pathname`);
    else if (name.endsWith('.css')) next = text.replaceAll(PLACE, top);
    else {
      next = text.replace(/(<script[^>]*>)([^]*?)(?=<\/script>)|(\s(?:href|src|content)=")([^"]*)/g, (all, tag, code, attribute, value) =>
        (tag === undefined ? attribute + value.replace(PLACE, top) : tag.replace(PLACE, top) + (code.includes(PLACE) ? replaced(code, `new URL(${JSON.stringify(top)},document.baseURI).pathname`) : code)));
      next = next.replace('<script type="module"', `${ABSOLUTE}$&`);
    }
    writeFileSync(file, next);
  }
}

// SPDX-License-Identifier: MIT
/**
 * The page of the suite. The address may have ?area=NAME and ?case=ID, both more than once; the results are a link to JSON,
 * and window.results. With ?report=ADDRESS they are posted there, too.
 */
import { judge, thisRuntime } from './expected.js';
import { areas, cases, runCases } from './suite.js';

const element = (id) => document.getElementById(id);
const wanted = new URLSearchParams(location.search);
const [onlyAreas, onlyCases] = [wanted.getAll('area'), wanted.getAll('case')];
const chosen = cases.filter(({ id, area }) => (onlyAreas.length === 0 || onlyAreas.includes(area)) && (onlyCases.length === 0 || onlyCases.includes(id)));
const runtime = thisRuntime();
const verdicts = ['passed', 'expected', 'failed', 'differs', 'not run'];

function row(...cells) {
  const line = document.createElement('tr');
  for (const [text, kind] of cells) {
    const cell = document.createElement('td');
    cell.textContent = text;
    if (kind) cell.className = kind;
    line.append(cell);
  }
  return line;
}

function show(results) {
  element('progress').value = results.length;
  element('areas').replaceChildren(...areas.filter(({ area }) => chosen.some((one) => one.area === area)).map(({ area, title }) => {
    const own = results.filter(({ id }) => id.startsWith(`${area}/`));
    return row([title], ...verdicts.map((verdict) => {
      const count = own.filter((one) => one.verdict === verdict || (verdict === 'failed' && one.verdict === 'fixed')).length;
      return [count || '', count ? verdict : ''];
    }));
  }));
  element('cases').replaceChildren(...results.filter(({ verdict }) => verdict !== 'passed').map(({ id, verdict, text, why = '' }) =>
    row([id], [verdict, verdict], [why ? `${text} (${why})` : text, 'text'])));
}

element('runtime').textContent = `${runtime.name} ${runtime.version}, ${crossOriginIsolated ? 'cross-origin isolated' : 'not cross-origin isolated: what needs shared memory is not run'}`;
element('progress').max = chosen.length;
const results = [];
await runCases(chosen, (result) => {
  results.push(...judge([result], runtime));
  show(results);
});
const count = (wanted) => results.filter(({ verdict }) => verdict === wanted).length;
element('status').textContent = `Done: ${results.length} cases, of which ${verdicts.map((verdict) => `${count(verdict)} ${verdict}`).join(', ')}.`;
const json = JSON.stringify({ runtime, isolated: crossOriginIsolated, results });
Object.assign(element('json'), { hidden: false, href: URL.createObjectURL(new Blob([json], { type: 'application/json' })) });
window.results = results;
if (wanted.has('report')) await fetch(wanted.get('report'), { method: 'POST', body: json });

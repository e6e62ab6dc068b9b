// SPDX-License-Identifier: MIT
// The figure of the README: what one call takes, there and back, while one follows the other, by each contender of one run.

const NAMES = {
  ours: 'wasm-aio', y_ring: 'Atomics.wait by hand', postMessage: 'postMessage', comlink: 'comlink', piscina: 'piscina',
};
const [LEFT, WIDTH, ROW, TOP] = [230, 400, 30, 56];

/** times: in ns, by contender. Returns the figure as SVG, for a light and a dark page. */
export function callFigure(times, machine) {
  const known = Object.keys(NAMES).filter((contender) => contender in times).sort((a, b) => times[a] - times[b]);
  const longest = Math.max(...known.map((contender) => times[contender]));
  const bars = known.map((contender, n) => {
    const y = TOP + n * ROW;
    const width = Math.round((times[contender] / longest) * WIDTH);
    const own = contender === 'ours' ? ' class="own"' : '';
    return [
      `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end"${own}>${NAMES[contender]}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${width}" height="20" rx="2"${own}/>`,
      `<text x="${LEFT + width + 8}" y="${y + 15}"${own}>${(times[contender] / 1000).toFixed(0)} µs</text>`,
    ].join('\n');
  });
  const height = TOP + known.length * ROW + 26;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 ${height}" width="720" height="${height}" font-family="system-ui, sans-serif" font-size="14">
<style>
text { fill: #24292f } rect { fill: #8c959f } .own { font-weight: 600 } rect.own { fill: #0969da } .small { font-size: 12px }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #6e7681 } rect.own { fill: #4493f8 } }
</style>
<text x="10" y="24" font-size="16" font-weight="600">Calls of a function in a worker, one after another</text>
<text x="10" y="42" class="small">there and back, median; wasm-aio looks for up to 30 µs before it sleeps, the others sleep at once</text>
${bars.join('\n')}
<text x="10" y="${height - 8}" class="small">${machine}</text>
</svg>
`;
}

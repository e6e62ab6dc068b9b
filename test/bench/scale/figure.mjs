// SPDX-License-Identifier: MIT
// The picture of docs/scaling.md: a small plot for each curve, both axes logarithmic.

const [WIDTH, HEIGHT, COLUMNS] = [240, 190, 3];
const PLOT = { left: 52, top: 40, width: 170, height: 110 };
const decade = (value) => Math.log10(value);
const text = (ns) => (ns >= 1e6 ? `${ns / 1e6} ms` : ns >= 1e3 ? `${ns / 1e3} µs` : `${ns} ns`);

function plot(curve, runtimes, n) {
  const [x0, y0] = [(n % COLUMNS) * WIDTH, Math.floor(n / COLUMNS) * HEIGHT];
  const points = Object.values(runtimes).flat();
  const most = Math.max(...points.map(([number]) => number));
  const low = Math.floor(decade(Math.min(...points.map(([, ns]) => ns))));
  const high = Math.max(Math.ceil(decade(Math.max(...points.map(([, ns]) => ns)))), low + 1);
  const x = (number) => x0 + PLOT.left + (decade(number) / decade(most)) * PLOT.width;
  const y = (ns) => y0 + PLOT.top + PLOT.height - ((decade(ns) - low) / (high - low)) * PLOT.height;
  const lines = [`<text x="${x0 + PLOT.left}" y="${y0 + 24}" class="name">${curve}</text>`];
  for (let power = low; power <= high; power++) {
    lines.push(`<line x1="${x0 + PLOT.left}" x2="${x0 + PLOT.left + PLOT.width}" y1="${y(10 ** power).toFixed(1)}" y2="${y(10 ** power).toFixed(1)}" class="grid"/>`,
      `<text x="${x0 + PLOT.left - 6}" y="${(y(10 ** power) + 4).toFixed(1)}" text-anchor="end" class="small">${text(10 ** power)}</text>`);
  }
  for (const number of [1, most]) {
    lines.push(`<text x="${x(number).toFixed(1)}" y="${y0 + PLOT.top + PLOT.height + 16}" text-anchor="${number === 1 ? 'start' : 'end'}" class="small">${number.toLocaleString('en')}</text>`);
  }
  for (const [runtime, list] of Object.entries(runtimes)) {
    lines.push(`<polyline points="${list.map(([number, ns]) => `${x(number).toFixed(1)},${y(ns).toFixed(1)}`).join(' ')}" class="${runtime}"/>`,
      ...list.map(([number, ns]) => `<circle cx="${x(number).toFixed(1)}" cy="${y(ns).toFixed(1)}" r="2.5" class="${runtime}"><title>${runtime}, ${number}: ${text(Number(ns.toPrecision(3)))}</title></circle>`));
  }
  return lines.join('\n');
}

/** curves: by curve and runtime, pairs of a number and the ns of one operation. Returns the picture as SVG, for a light and a dark page. */
export function scaleFigure(curves, meanings, machine) {
  const names = Object.keys(curves);
  const height = Math.ceil(names.length / COLUMNS) * HEIGHT + 66;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH * COLUMNS} ${height}" width="${WIDTH * COLUMNS}" height="${height}" font-family="system-ui, sans-serif" font-size="13" role="img">
<title>The time of one operation by the number of objects, natively and in WebAssembly</title>
<desc>${names.map((name) => `${name}: ${meanings[name].replaceAll('`', '')}`).join('; ')}</desc>
<style>
text { fill: #24292f } .name { font-weight: 600 } .small { font-size: 11px } .grid { stroke: #d0d7de } polyline { fill: none; stroke-width: 2 }
polyline.native { stroke: #8c959f } circle.native { fill: #8c959f } polyline.wasm { stroke: #0969da } circle.wasm { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #30363d } polyline.wasm { stroke: #4493f8 } circle.wasm { fill: #4493f8 } }
</style>
${names.map((name, n) => plot(name, curves[name], n)).join('\n')}
<polyline points="10,${height - 52} 34,${height - 52}" class="wasm"/><text x="40" y="${height - 48}">WebAssembly</text>
<polyline points="140,${height - 52} 164,${height - 52}" class="native"/><text x="170" y="${height - 48}">native</text>
<text x="10" y="${height - 28}" class="small">the time of one operation, by the number of objects; both axes logarithmic</text>
<text x="10" y="${height - 10}" class="small">${machine}</text>
</svg>
`;
}

// SPDX-License-Identifier: MIT
/** A small bar chart. */
const [WIDTH, HEIGHT, TOP, BASE] = [440, 150, 18, 128];

const node = (name: string, attributes: Record<string, string | number>, text = ''): SVGElement => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
};

/**
 * Draws values as bars beside each other; room: for so many.
 * @param ticks texts below the axis, by the number of the bar at whose left edge they belong
 * @param most says what the highest bar is
 */
export function bars(svg: SVGSVGElement, values: readonly number[], room: number, ticks: readonly (readonly [number, string])[], most: (value: number) => string, above?: (value: number) => string): void {
  const highest = Math.max(...values, 0);
  const step = WIDTH / room;
  const x = (n: number): number => n * step;
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.replaceChildren(
    ...values.map((value, n) => {
      const height = highest > 0 ? (value / highest) * (BASE - TOP) : 0;
      return node('rect', { class: 'bar', x: x(n) + step * 0.05, width: step * 0.9, y: BASE - height, height });
    }),
    ...(above ? values.map((value, n) => node('text', { x: x(n) + step / 2, y: BASE - (highest > 0 ? (value / highest) * (BASE - TOP) : 0) - 4, 'text-anchor': 'middle' }, above(value))) : []),
    node('line', { class: 'axis', x1: 0, x2: WIDTH, y1: BASE, y2: BASE }),
    ...(above || highest === 0 ? [] : [node('line', { class: 'axis', x1: 0, x2: WIDTH, y1: TOP, y2: TOP }), node('text', { x: 0, y: TOP - 5 }, most(highest))]),
    ...ticks.flatMap(([n, text]) => (above ? [node('text', { x: x(n) + step / 2, y: BASE + 15, 'text-anchor': 'middle' }, text)]
      : [node('line', { class: 'axis', x1: x(n), x2: x(n), y1: BASE, y2: BASE + 4 }), node('text', { x: x(n), y: BASE + 16, 'text-anchor': n === 0 ? 'start' : 'middle' }, text)])),
  );
}

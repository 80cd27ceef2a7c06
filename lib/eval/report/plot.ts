/**
 * Points with error bars, as SVG inside a page.
 *
 * @module
 */
import type { Interval } from "../statistics.ts";

/** One point. */
export interface Point {
  /** What it is called. */
  label: string;
  /** Where it stands on the horizontal axis; not below 0. */
  x: number;
  /** Where it stands on the vertical axis, 0 to 1. */
  y: number;
  /** The bar around `y`, 0 to 1. */
  interval: Interval;
}

/** What a plot shows. */
export interface PlotOptions {
  /** Its id in the page, unique. */
  id: string;
  /** Its title. */
  title: string;
  /** What the horizontal axis is. */
  xLabel: string;
  /** Writes a value of the horizontal axis. */
  xText(value: number): string;
  /** The points. */
  points: readonly Point[];
}

/** A text as HTML and XML hold it, in an attribute too. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  // deno-lint-ignore no-control-regex -- HTML forbids them even as references
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "�")
    .replace(/[&<>"']/g, (sign) => entities[sign]!);
}

const WIDTH = 640;
const HEIGHT = 380;
const LEFT = 56;
const RIGHT = 24;
const TOP = 16;
const BOTTOM = 48;
const LABEL_HEIGHT = 15;

const fixed = (value: number) => value.toFixed(1);

/** Values of which each is 1, 2 or 5 times a power of ten. */
function roundSteps(max: number): number {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((step) => step * power >= rough) ?? 10);
}

interface Axis {
  ticks: number[];
  /** 0 to 1 along the axis. */
  at(value: number): number;
}

/** From 0, or by powers of ten where the values lie far apart. */
function axisOf(values: readonly number[]): Axis {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (min > 0 && max / min > 20) {
    const low = Math.floor(Math.log10(min));
    const high = Math.max(low + 1, Math.ceil(Math.log10(max)));
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
    return { ticks, at: (value) => (Math.log10(value) - low) / (high - low) };
  }
  const step = roundSteps(max > 0 ? max : 1);
  const count = Math.max(1, Math.ceil((max > 0 ? max : 1) / step * 1.05));
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { ticks, at: (value) => value / (count * step) };
}

/** A place in the drawing, from its left and top to its right and bottom. */
type Box = readonly [left: number, top: number, right: number, bottom: number];

const overlap = (a: Box, b: Box) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** A point's mark and bar. */
interface Mark {
  x: number;
  y: number;
  top: number;
  bottom: number;
  label: string;
}

const SHIFTS = [0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5].map((lines) => lines * LABEL_HEIGHT);

/** Boxes of labels: each beside its point, where nothing else is, as far as there is room. */
function placeLabels(marks: readonly Mark[]): Box[] {
  const taken: Box[] = marks.map(({ x, top, bottom }) => [x - 6, top - 4, x + 6, bottom + 4]);
  return marks.map(({ x, y, label }) => {
    const width = label.length * 7.5;
    const boxes = SHIFTS.flatMap((shift) =>
      [x + 9, x - 9 - width].map((left): Box => {
        const top = y + shift - LABEL_HEIGHT / 2;
        return [left, top, left + width, top + LABEL_HEIGHT];
      })
    ).filter(([left, top, right, bottom]) =>
      left >= LEFT && top >= 0 && right <= WIDTH && bottom <= HEIGHT - BOTTOM
    );
    const free = boxes.find((box) => !taken.some((other) => overlap(box, other)));
    const box = free ?? boxes[0] ?? [LEFT, 0, LEFT + width, LABEL_HEIGHT];
    taken.push(box);
    return box;
  });
}

/** Draws accuracy over something. */
export function renderPlot({ id, title, xLabel, xText, points }: PlotOptions): string {
  const axis = axisOf(points.map(({ x }) => x));
  const toX = (value: number) => LEFT + axis.at(value) * (WIDTH - LEFT - RIGHT);
  const toY = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  const base = toY(0);
  const vertical = axis.ticks.map((tick) => {
    const x = fixed(toX(tick));
    return `<line class="grid" x1="${x}" y1="${TOP}" x2="${x}" y2="${base}"/>` +
      `<text x="${x}" y="${base + 18}" text-anchor="middle">${escapeText(xText(tick))}</text>`;
  });
  const horizontal = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = fixed(toY(share));
    return `<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/>` +
      `<text x="${LEFT - 8}" y="${y}" dy="0.35em" text-anchor="end">${share * 100} %</text>`;
  });
  const marks = points.map(({ label, x, y, interval: [low, high] }) => ({
    x: toX(x),
    y: toY(y),
    top: toY(high),
    bottom: toY(low),
    label: cut(label),
  }));
  const boxes = placeLabels(marks);
  const drawn = marks.map(({ x, y, top, bottom, label }, i) => {
    const [left, above, right] = boxes[i]!;
    // The end that is nearer to the point stands still, however wide the letters are.
    const isRight = left > x;
    const ends = `M${fixed(x - 4)} ${fixed(bottom)}h8M${fixed(x - 4)} ${fixed(top)}h8`;
    return `<path class="bar" d="M${fixed(x)} ${fixed(bottom)}V${fixed(top)}${ends}"/>` +
      `<circle class="point" cx="${fixed(x)}" cy="${fixed(y)}" r="5"/>` +
      `<text class="label" x="${fixed(isRight ? left : right)}" ` +
      `y="${fixed(above + LABEL_HEIGHT / 2)}" dy="0.35em" ` +
      `text-anchor="${isRight ? "start" : "end"}">${escapeText(label)}</text>`;
  });
  const described = points.map(({ label, x, y, interval: [low, high] }) => {
    const [share, from, to] = [y, low, high].map((each) => (each * 100).toFixed(1));
    return `${cut(label)}: ${share} % (${from} to ${to}) at ${xText(x)}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${escapeText(title)}</title>
<desc id="${id}-desc">${escapeText(`${described.join("; ")}.`)}</desc>
<g aria-hidden="true">${[...vertical, ...horizontal].join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${
    escapeText(xLabel)
  }</text>
${drawn.join("\n")}</g>
</svg>`;
}

function cut(label: string): string {
  return label.length > 24 ? `${label.slice(0, 23)}…` : label;
}

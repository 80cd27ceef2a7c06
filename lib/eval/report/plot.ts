import { escape } from "@std/html";
import { withEllipsis } from "../../text.ts";
import type { Interval } from "../statistics.ts";
import { percent } from "./table.ts";

export interface Point {
  label: string;
  /** At least 0. */
  x: number;
  /** 0 to 1. */
  y: number;
  interval: Interval;
}

export interface PlotOptions {
  /** Unique in the page. */
  id: string;
  title: string;
  xLabel: string;
  /** Formats a value of the horizontal axis. */
  xText(value: number): string;
  points: readonly Point[];
}

/** Escapes text for HTML and SVG, which don't allow control characters even as references. */
export function escapeText(text: string): string {
  return escape(text.replace(/(?![\t\n\r])\p{Cc}/gu, "�"));
}

const WIDTH = 640;
const HEIGHT = 380;
const LEFT = 56;
const RIGHT = WIDTH - 24;
const TOP = 16;
const BOTTOM = HEIGHT - 48;
const LABEL_HEIGHT = 15;
const LABEL_CHARACTER_WIDTH = 7.5;
const MAX_LABEL_LENGTH = 24;

const fixed = (value: number) => value.toFixed(1);
const toY = (share: number) => TOP + (1 - share) * (BOTTOM - TOP);

/** Starts at 0, or has powers of ten if the values differ by more than a factor of 20. */
function axisOf(values: readonly number[]) {
  const min = Math.min(...values);
  const max = Math.max(...values);
  if (min > 0 && max / min > 20) {
    const low = Math.floor(Math.log10(min));
    const high = Math.ceil(Math.log10(max));
    const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
    return {
      ticks,
      toX: (value: number) => LEFT + (Math.log10(value) - low) / (high - low) * (RIGHT - LEFT),
    };
  }
  const end = max > 0 ? max : 1;
  const step = tickStep(end);
  const count = Math.ceil(end / step * 1.05);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { ticks, toX: (value: number) => LEFT + value / (count * step) * (RIGHT - LEFT) };
}

/** Returns 1, 2, 5 or 10 times a power of ten, for about five ticks. */
function tickStep(max: number): number {
  const step = max / 5;
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((factor) => factor * power >= step) ?? 10);
}

type Box = readonly [left: number, top: number, right: number, bottom: number];

const overlap = (a: Box, b: Box) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

interface Mark {
  x: number;
  y: number;
  top: number;
  bottom: number;
  label: string;
}

const SHIFTS = [0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5].map((lines) => lines * LABEL_HEIGHT);

/** Places each label beside its point, where there is room without overlapping. */
function placeLabels(marks: readonly Mark[]): Box[] {
  const taken: Box[] = marks.map(({ x, top, bottom }) => [x - 6, top - 4, x + 6, bottom + 4]);
  return marks.map(({ x, y, label }) => {
    const width = label.length * LABEL_CHARACTER_WIDTH;
    const boxes = SHIFTS.flatMap((shift) =>
      [x + 9, x - 9 - width].map((left): Box => {
        const top = y + shift - LABEL_HEIGHT / 2;
        return [left, top, left + width, top + LABEL_HEIGHT];
      })
    ).filter(([left, top, right, bottom]) =>
      left >= LEFT && top >= 0 && right <= WIDTH && bottom <= BOTTOM
    );
    const box = boxes.find((box) => !taken.some((other) => overlap(box, other))) ?? boxes[0] ??
      [LEFT, 0, LEFT + width, LABEL_HEIGHT];
    taken.push(box);
    return box;
  });
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map(fixed);
  return `<line class="grid" x1="${a}" y1="${b}" x2="${c}" y2="${d}"/>`;
}

function label(x: number, y: number, anchor: string, text: string, kind = "tick"): string {
  return `<text class="${kind}" x="${fixed(x)}" y="${fixed(y)}" dy="0.35em" ` +
    `text-anchor="${anchor}">${escapeText(text)}</text>`;
}

function drawMark({ x, y, top, bottom, label: text }: Mark, [left, above, right]: Box): string {
  const ends = `M${fixed(x - 4)} ${fixed(bottom)}h8M${fixed(x - 4)} ${fixed(top)}h8`;
  // Anchored at the end nearer to the point, however wide the letters are.
  const [end, anchor] = left > x ? [left, "start"] as const : [right, "end"] as const;
  return `<path class="bar" d="M${fixed(x)} ${fixed(bottom)}V${fixed(top)}${ends}"/>` +
    `<circle class="point" cx="${fixed(x)}" cy="${fixed(y)}" r="5"/>` +
    label(end, above + LABEL_HEIGHT / 2, anchor, text, "label");
}

export function renderPlot({ id, title, xLabel, xText, points }: PlotOptions): string {
  const { ticks, toX } = axisOf(points.map(({ x }) => x));
  const grid = [
    ...ticks.map((tick) =>
      line(toX(tick), TOP, toX(tick), BOTTOM) + label(toX(tick), BOTTOM + 14, "middle", xText(tick))
    ),
    ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
      line(LEFT, toY(share), RIGHT, toY(share)) +
      label(LEFT - 8, toY(share), "end", `${share * 100} %`)
    ),
    label((LEFT + RIGHT) / 2, HEIGHT - 12, "middle", xLabel),
  ];
  const marks = points.map(({ label, x, y, interval: [low, high] }) => ({
    x: toX(x),
    y: toY(y),
    top: toY(high),
    bottom: toY(low),
    label: withEllipsis(label, MAX_LABEL_LENGTH),
  }));
  const boxes = placeLabels(marks);
  const described = points.map(({ label, x, y, interval: [low, high] }) =>
    `${withEllipsis(label, MAX_LABEL_LENGTH)}: ${percent(y)} % (${percent(low)} to ${
      percent(high)
    }) at ${xText(x)}`
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${escapeText(title)}</title>
<desc id="${id}-desc">${escapeText(`${described.join("; ")}.`)}</desc>
<g aria-hidden="true">${grid.join("\n")}
${marks.map((mark, i) => drawMark(mark, boxes[i]!)).join("\n")}</g>
</svg>`;
}

import type uPlot from "uplot";
import { colour } from "../../ui/colour";
import { formatClock, formatDay, formatMinute } from "../../ui/format";
import { unitSign } from "../../ui/units";
import { labelsOf } from "./ticks";

const DAY_SECONDS = 86_400;
export const RIGHT_MARGIN = 18;

/** Half of a long label of the time axis. */
export const LEFT_MARGIN = 40;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Pixels between the plot and the labels of an axis, and the most that a name may take beside it. */
const AXIS_GAP = 8;
const LONGEST_NAME = 36;

/** Pixels that the names of two scales take above the plot. */
export const NAMES_HEIGHT = 24;

export function timeAxis(): uPlot.Axis {
  return { ...axis(), space: 104, size: 44, values: fittingTimeLabels };
}

/** A label that would be cut off at the right edge is left out. */
export function fittingTimeLabels(plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const edge = plot.bbox.width / devicePixelRatio + RIGHT_MARGIN;
  const fits = (label: string, at: number) => plot.valToPos(at, "x") + widthOf(plot, label) / 2 <= edge;
  return timeLabels(splits, step).map((label, index) => (fits(label, splits[index]!) ? label : ""));
}

/** The width of the longest line of a label, in pixels. */
function widthOf({ ctx }: uPlot, label: string): number {
  ctx.save();
  ctx.font = FONT;
  const width = Math.max(...label.split("\n").map((line) => ctx.measureText(line).width));
  ctx.restore();
  return width;
}

/** Clock times; the first one, and the first one of each day, with the day below. */
function timeLabels(splits: number[], stepSeconds: number): string[] {
  let dayBefore = "";
  return splits.map((seconds) => {
    const [ms, nowMs] = [seconds * 1000, Date.now()];
    const day = formatDay(ms, nowMs);
    const time = stepSeconds >= DAY_SECONDS ? "" : stepSeconds < 60 ? formatClock(ms) : formatMinute(ms);
    const label = day === dayBefore ? time : time ? `${time}\n${day}` : day;
    dayBefore = day;
    return label;
  });
}

/** The second axis stands on the right, and has no grid. Values are drawn times `factorOf`; those of states are words. */
export function valueAxis(place: 0 | 1, factorOf: () => number, words: string[] | null): uPlot.Axis {
  const ground = axis();
  return {
    ...ground,
    scale: scaleOf(place),
    side: place === 0 ? 3 : 1,
    grid: { ...ground.grid, show: place === 0 },
    space: 44,
    ...(words && { splits: (_plot: uPlot, _axis: number, low: number, high: number) => wholeNumbers(low, high) }),
    size: (plot, labels) => 18 + Math.max(28, ...(labels ?? []).map((label) => widthOf(plot, label))),
    values: (plot, splits, _axis, _space, step) => {
      const isStates = words && (plot.scales[scaleOf(place)]?.max ?? 0) < words.length;
      return isStates ? splits.map((value) => words[value] ?? "") : labelsOf(splits.map((value) => value / factorOf()), step / factorOf());
    },
  };
}

const MOST_STATES = 12;

/** States are whole numbers, and there is nothing between them. */
function wholeNumbers(low: number, high: number): number[] {
  const step = Math.max(1, Math.ceil((high - low) / MOST_STATES));
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, index) => first + index * step);
}

function axis(): uPlot.Axis {
  return {
    font: FONT,
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    gap: AXIS_GAP,
  };
}

export function scaleOf(place: 0 | 1): string {
  return place === 0 ? "y" : "y2";
}

/** Names two scales, each above its labels, or above the plot if the name is long. */
export function drawNames({ ctx, bbox, scales }: uPlot, names: string[]): void {
  const dot = devicePixelRatio;
  ctx.save();
  ctx.font = FONT.replace("12px", `${12 * dot}px`);
  ctx.textBaseline = "bottom";
  ctx.fillStyle = colour("--ink");
  names.forEach((name, place) => {
    if (scales[scaleOf(place as 0 | 1)]?.min == null) return;
    const isLong = ctx.measureText(unitSign(name)).width > LONGEST_NAME * dot;
    const edge = place === 0 ? bbox.left : bbox.left + bbox.width;
    const outwards = isLong ? 0 : (place === 0 ? -1 : 1) * AXIS_GAP * dot;
    ctx.textAlign = (place === 0) === isLong ? "left" : "right";
    ctx.fillText(unitSign(name), edge + outwards, bbox.top - 5 * dot);
  });
  ctx.restore();
}

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Span } from "./api";
import { colour } from "./colour";
import { formatClock, formatDay, formatMinute, formatNumber } from "./format";
import type { Columns } from "./history";
import { stretched, type Incident, type Limit } from "./incidents";
import { drawIncidents, drawLimits } from "./plot-alerts";
import { leastSpan } from "./span";

/** All that is drawn. */
export interface View {
  columns: Columns;
  frame: Span;
  incidents: Incident[];
  limits: Limit[];
  digits: number;
}

export interface Plot {
  show(view: View): void;
  /** Puts the crosshair on a column. */
  point(column: number): void;
  unpoint(): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

interface Callbacks {
  onHover(column: number | null): void;
  onZoom(span: Span): void;
  onReset(): void;
}

const DAY_SECONDS = 86_400;
/** Pixels of a digit in the labels of the axes. */
const LETTER_WIDTH = 7;

const RIGHT_MARGIN = 18;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

export function createPlot(element: HTMLElement, callbacks: Callbacks): Plot {
  let view: View | null = null;
  let dragging = false;
  const plot = new uPlot(options(element, callbacks, () => view), [[], [], [], []], element);

  // Data that arrive during a drag would pull the selection away from under the pointer.
  const begin = () => (dragging = true);
  const end = () => (dragging = false);
  plot.over.addEventListener("mousedown", begin);
  window.addEventListener("mouseup", end);
  plot.over.addEventListener("pointermove", (event) => followTouch(plot, event));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => plot.redraw(false);
  dark.addEventListener("change", repaint);

  return {
    show(next) {
      if (dragging) return;
      view = next;
      draw(plot, next);
    },
    point(column) {
      const time = view?.columns.times[column];
      const mean = view?.columns.means[column];
      if (time === undefined) return;
      plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.valToPos(mean ?? 0, "y") });
    },
    unpoint: () => plot.setCursor({ left: -10, top: -10 }),
    resize: (width, height) => plot.setSize({ width, height }),
    destroy() {
      window.removeEventListener("mouseup", end);
      dark.removeEventListener("change", repaint);
      plot.destroy();
    },
  };
}

function draw(plot: uPlot, { columns, frame }: View): void {
  plot.batch(() => {
    plot.setData([columns.times, columns.means, columns.highs, columns.lows], false);
    plot.setScale("x", { min: frame.from / 1000, max: frame.to / 1000 });
  });
}

// uPlot listens to the mouse only; a finger moves the crosshair too, while the page still scrolls up and down.
function followTouch(plot: uPlot, event: PointerEvent): void {
  if (event.pointerType !== "touch") return;
  const box = plot.over.getBoundingClientRect();
  plot.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
}

function options(element: HTMLElement, callbacks: Callbacks, view: () => View | null): uPlot.Options {
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    // The right edge reaches into the margin of the panel, where the last label has room.
    padding: [8, RIGHT_MARGIN, 0, 0],
    scales: {
      x: { time: true },
      y: { range: (_plot, low, high) => paddedRange(low, high, view()) },
    },
    axes: [timeAxis(), valueAxis()],
    series: [
      {},
      { stroke: () => colour("--accent"), width: 1.75, points: { show: false, filter: loneColumns, size: 5 } },
      extreme(),
      extreme(),
    ],
    bands: [{ series: [2, 3], fill: () => colour("--accent-band") }],
    cursor: cursor(callbacks),
    hooks: {
      drawClear: [(plot) => drawIncidents(plot, view()?.incidents ?? [])],
      draw: [(plot) => drawLimits(plot, view()?.limits ?? [])],
      setCursor: [(plot) => callbacks.onHover((plot.cursor.left ?? -1) < 0 ? null : (plot.cursor.idx ?? null))],
      setSelect: [(plot) => zoomToSelection(plot, callbacks)],
    },
  };
}

/** The edges of the band are drawn too: a spike of one reading would be too thin an area to be seen. */
function extreme(): uPlot.Series {
  return { stroke: () => colour("--accent-edge"), width: 1, points: { show: false } };
}

function cursor(callbacks: Callbacks): uPlot.Cursor {
  return {
    y: false,
    drag: { x: true, y: false, setScale: false, dist: 6 },
    points: {
      size: (_plot, series) => (series === 1 ? 9 : 0),
      width: 2,
      stroke: () => colour("--surface"),
      fill: () => colour("--accent"),
    },
    bind: { dblclick: () => () => (callbacks.onReset(), null) },
  };
}

function zoomToSelection(plot: uPlot, callbacks: Callbacks): void {
  const { left, width } = plot.select;
  if (width < 6) return;
  const [from, to] = [plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  callbacks.onZoom({ from, to });
}

/** A reading with a gap on both sides has no line; it gets a dot instead. */
function loneColumns(plot: uPlot, series: number): number[] {
  const values = [...plot.data[series]!];
  const isBreak = (index: number) => values[index] === null || values[index] === undefined;
  return values.flatMap((_, index) => (!isBreak(index) && isBreak(index - 1) && isBreak(index + 1) ? [index] : []));
}

/** Room above and below, and never so narrow a range that the last digit's noise fills the chart. */
function paddedRange(lowest: number | null, highest: number | null, view: View | null): [number, number] {
  if (lowest === null || highest === null) return [0, 1];
  const least = Math.max(10 * 10 ** -(view?.digits ?? 0), leastSpan(lowest, highest));
  const [low, high] = stretched(lowest, highest, least, view?.limits ?? []);
  const missing = Math.max(0, least - (high - low));
  const padding = (high - low) * 0.08 + missing / 2;
  return [low - padding, high + padding];
}

function timeAxis(): uPlot.Axis {
  return { ...axis(), space: 104, size: 44, values: fittingTimeLabels };
}

/** A label that would be cut off at the right edge is left out. */
function fittingTimeLabels(plot: uPlot, splits: number[], _axis: number, _space: number, step: number): string[] {
  const edge = plot.bbox.width / devicePixelRatio + RIGHT_MARGIN;
  const halfWidth = (label: string) => (label.split("\n")[0]!.length * LETTER_WIDTH) / 2;
  const fits = (label: string, at: number) => plot.valToPos(at, "x") + halfWidth(label) <= edge;
  return timeLabels(splits, step).map((label, index) => (fits(label, splits[index]!) ? label : ""));
}

/** Clock times, with the day below the first one and below each at which another day begins. */
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

function valueAxis(): uPlot.Axis {
  return {
    ...axis(),
    space: 44,
    size: (_plot, labels) => 18 + 7 * Math.max(4, ...(labels ?? []).map((label) => label.length)),
    values: (_plot, splits, _axis, _space, step) => splits.map((value) => formatNumber(value, decimalsFor(step))),
  };
}

function decimalsFor(step: number): number {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

function axis(): uPlot.Axis {
  return {
    font: FONT,
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
    gap: 8,
  };
}

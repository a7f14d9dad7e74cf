import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Span } from "../../api/client";
import { colour } from "../../ui/colour";
import { MOST_DECIMALS } from "../../ui/format";
import { leastSpan } from "../../ui/plotting";
import { wordsOf } from "../../ui/words";
import type { Joined } from "../common-axis";
import type { ClockSpan } from "../clock-spans";
import { stretched, type IncidentSpan, type Limit } from "../incident-spans";
import type { Point } from "../points";
import { drawNames, LEFT_MARGIN, NAMES_HEIGHT, RIGHT_MARGIN, scaleOf, timeAxis, valueAxis } from "./axes";
import { drawEarlier } from "./earlier";
import { scaled } from "./factor";
import { drawClockSpans, drawIncidentSpans, drawLimits } from "./incidents";
import { bandsOf, dataOf, drawMarkers, isMean, placeOf, seriesOf, type PlotLine } from "./lines";

/** What a plot is created with, as it cannot change later. The line in front is the first. */
export interface Drawn {
  lines: PlotLine[];
  /** The units, or else the metrics, of one or two scales. */
  scales: string[];
}

/** What changes while readings come. */
export interface View {
  joined: Joined;
  frame: Span;
  incidentSpans: IncidentSpan[];
  clockSpans: ClockSpan[];
  limits: Limit[];
  /** What the line in front is compared with. */
  earlier: Point[];
  /** Sensible decimals for each scale. */
  digits: number[];
  /** What the values of each scale are drawn times, where they are too large to be drawn as they are. */
  factors: number[];
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

/** How many pixels from the pointer a reading still counts as under it. */
const REACH = 24;

export function createPlot(element: HTMLElement, drawn: Drawn, callbacks: Callbacks): Plot {
  let view: View | null = null;
  let dragging = false;
  const nothing = dataOf({ times: [], lines: drawn.lines.map(() => ({ means: [], highs: [], lows: [] })) });
  const plot = new uPlot(options(element, drawn, callbacks, () => view), nothing, element);

  // New data during a drag would move the selection away from the pointer.
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
      draw(plot, drawn, next);
    },
    point(column) {
      const time = view?.joined.times[column];
      const mean = view?.joined.lines[0]?.means[column];
      if (time === undefined) return;
      plot.setCursor({ left: plot.valToPos(time, "x"), top: plot.valToPos((mean ?? 0) * factorOf(view, 0), "y") });
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

function draw(plot: uPlot, { lines }: Drawn, view: View): void {
  const factors = lines.map(({ scale }) => factorOf(view, scale));
  plot.batch(() => {
    plot.setData(dataOf(scaled(view.joined, factors)), false);
    plot.setScale("x", { min: view.frame.from / 1000, max: view.frame.to / 1000 });
  });
}

function factorOf(view: View | null, scale: 0 | 1): number {
  return view?.factors[scale] ?? 1;
}

// uPlot listens only to the mouse. A finger moves the crosshair, too, while the page still scrolls up and down.
function followTouch(plot: uPlot, event: PointerEvent): void {
  if (event.pointerType !== "touch") return;
  const box = plot.over.getBoundingClientRect();
  plot.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
}

function options(element: HTMLElement, { lines, scales }: Drawn, callbacks: Callbacks, view: () => View | null): uPlot.Options {
  const places = scales.map((_, place) => place as 0 | 1);
  const range = (place: 0 | 1): uPlot.Range.Function => (_plot, low, high) =>
    rangeOfStates(low, high, wordsOf(scales[place]!)) ?? paddedRange(...withEarlier(low, high, place, view()), place, view());
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    // The last label has room in the right margin, and the first one beside the values or, without any, in a left margin.
    padding: [places.length > 1 ? NAMES_HEIGHT : 8, RIGHT_MARGIN, 0, (plot) => (plot.scales.y?.min == null ? LEFT_MARGIN : 0)],
    scales: { x: { time: true }, ...Object.fromEntries(places.map((place) => [scaleOf(place), { range: range(place) }])) },
    axes: [timeAxis(), ...places.map((place) => valueAxis(place, () => factorOf(view(), place), wordsOf(scales[place]!)))],
    series: [{}, ...seriesOf(lines)],
    bands: bandsOf(lines),
    cursor: cursor(lines, callbacks),
    hooks: {
      drawClear: [
        (plot) => drawClockSpans(plot, view()?.clockSpans ?? []),
        (plot) => drawIncidentSpans(plot, view()?.incidentSpans ?? []),
        (plot) => drawEarlier(plot, view()?.earlier ?? [], factorOf(view(), 0), lines[0]!.isStates),
      ],
      draw: [
        (plot) => drawMarkers(plot, lines),
        (plot) => drawLimits(plot, view()?.limits ?? [], factorOf(view(), 0)),
        (plot) => places.length > 1 && drawNames(plot, scales),
      ],
      setCursor: [(plot) => callbacks.onHover((plot.cursor.left ?? -1) < 0 ? null : (plot.cursor.idx ?? null))],
      setSelect: [(plot) => zoomToSelection(plot, callbacks)],
    },
  };
}

function cursor(lines: PlotLine[], callbacks: Callbacks): uPlot.Cursor {
  const lineOf = (series: number) => lines.find((_, index) => placeOf(index, lines.length) === series);
  return {
    y: false,
    drag: { x: true, y: false, setScale: false, dist: 6 },
    hover: { prox: REACH },
    points: {
      size: (_plot, series) => (isMean(series) ? 9 : 0),
      width: 2,
      stroke: () => colour("--surface"),
      fill: (_plot, series) => colour(lineOf(series)?.colour ?? "--accent"),
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

/** A scale of states shows all of them, whichever there were; null for one with other values. */
function rangeOfStates(lowest: number | null, highest: number | null, words: string[] | null): uPlot.Range.MinMax | null {
  const isAllStates = words !== null && lowest !== null && highest !== null && lowest >= 0 && highest <= words.length - 1;
  return isAllStates ? [-0.15, words.length - 0.85] : null;
}

/** What the line in front is compared with has room, too. */
function withEarlier(low: number | null, high: number | null, place: 0 | 1, view: View | null): [number | null, number | null] {
  const means = place === 0 ? (view?.earlier ?? []).map(({ mean }) => mean * factorOf(view, 0)) : [];
  if (low === null || high === null || means.length === 0) return [low, high];
  return [Math.min(low, ...means), Math.max(high, ...means)];
}

/** Leaves room above and below, and keeps the range wide enough that noise in the last digit looks small. */
function paddedRange(lowest: number | null, highest: number | null, place: 0 | 1, view: View | null): uPlot.Range.MinMax {
  // A scale without values is not drawn.
  if (lowest === null || highest === null) return [null, null];
  const [digits, factor] = [view?.digits[place] ?? 0, factorOf(view, place)];
  // Values with a power of ten have no last digit in common.
  const noise = digits < MOST_DECIMALS && factor === 1 ? 10 * 10 ** -digits : 0;
  const least = Math.max(noise, leastSpan(lowest, highest));
  // The limits belong to the series in front, and so does the first scale.
  const limits = place === 0 ? (view?.limits ?? []).map((limit) => ({ ...limit, at: limit.at * factor })) : [];
  const [low, high] = stretched(lowest, highest, least, limits);
  const missing = Math.max(0, least - (high - low));
  const padding = (high - low) * 0.08 + missing / 2;
  return [low - padding, high + padding];
}

import { computed, effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { select } from "../address/navigate";
import { frontKey } from "../address/state";
import { known } from "../live/state";
import { longestStep } from "../ui/plotting";
import { visible } from "../ui/visible";
import { wordsOf } from "../ui/words";
import { join, pointAt, type Joined } from "./common-axis";
import { frame, hasLine, loaded, loading, panBy, problem, room, roomIn, shownEarlier, shownLines, shownPoints, zoomAround, zoomTo } from "./data";
import { shownClockSpans } from "./clock-periods";
import { incidentSpans, limits } from "./incidents";
import { factorFor } from "./plot/factor";
import { createPlot, type Drawn, type Plot } from "./plot/plot";
import { toColumns, type Point } from "./points";
import { pointsText } from "./Readout";
import { colourOf, digitsOf, latestOf, markerOf, scales, shown, shownKeys } from "./shown";

/** The column under the crosshair. */
const hovered = signal<number | null>(null);
const joined = signal<Joined>({ times: [], lines: [] });

/** The time under the crosshair, in milliseconds. */
const hoveredAt = computed(() => {
  const time = hovered.value === null ? undefined : joined.value.times[hovered.value];
  return time === undefined ? null : time * 1000;
});

/** The point of each series under the crosshair; null without a crosshair. */
export const hoveredPoints = computed<(Point | null)[] | null>(() => {
  const at = hoveredAt.value;
  return at === null ? null : shownLines.value.map((points) => pointAt(points, at, reachOf(points)));
});

/** Half of the longest step that is drawn as a line. A single point reaches no further than itself. */
function reachOf(points: Point[]): number {
  const step = longestStep(points.map((point) => point.from));
  return Number.isFinite(step) ? step / 2 : 0;
}

/** The places of the series that have a scale, and so a line. */
const drawnPlaces = computed(() => scales.value.of.flatMap((scale, place) => (scale === null ? [] : [place])));

/** Changes when the plot must be created again. */
const drawing = computed(() => JSON.stringify([shownKeys.value, scales.value]));

export function Canvas() {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const wanted = drawing.value;
  useEffect(() => {
    const drawn = createPlot(element.current!, drawnNow(), {
      onHover: (column) => (hovered.value = column),
      onZoom: zoomTo,
      onReset: () => select({ zoom: null }),
    });
    plot.current = drawn;
    const stopDrawing = effect(() => {
      if (drawing.value === wanted) drawn.show(currentView());
    });
    const stopResizing = keepSize(element.current!, drawn);
    return () => [stopDrawing, stopResizing, drawn.destroy, () => (hovered.value = null)].forEach((stop) => stop());
  }, [wanted]);
  const count = shownPoints.value.length;
  const isEmpty = shownLines.value.every((points) => points.length === 0);
  return (
    <div
      class="canvas"
      data-testid="chart"
      data-points={count}
      data-earlier={shownEarlier.value.length}
      data-lines={shownLines.value.map((points) => points.length).join()}
      tabIndex={0}
      role="slider"
      aria-label={`History of ${names()}. Arrow keys read values, plus and minus zoom, page keys move in time, Escape goes back.`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, joined.value.times.length - 1)}
      aria-valuenow={hovered.value ?? 0}
      aria-valuetext={pointsText(hoveredPoints.value)}
      aria-busy={loading.value}
      onBlur={() => plot.current?.unpoint()}
      onKeyDown={(event) => handleKey(event, plot.current!)}
    >
      <div class="canvas-plot" ref={element} data-known={shown.value.every(({ key }) => hasLine(key))} />
      {isEmpty && <Nothing />}
    </div>
  );
}

function names(): string {
  return shown.value.map(({ key }) => visible(key)).join(", ");
}

function drawnNow(): Drawn {
  const { of, names } = scales.peek();
  const lines = drawnPlaces.peek().map((place) => {
    const scale = of[place]!;
    return { colour: colourOf(place), marker: markerOf(place), scale, isStates: wordsOf(names[scale]!) !== null };
  });
  return { lines, scales: names };
}

function currentView() {
  const places = drawnPlaces.value;
  const gaps = incidentSpans.value.filter(({ isGap }) => isGap);
  // Silences are known only of the series in front.
  const columns = places.map((place) => toColumns(shownLines.value[place] ?? [], frame.value, place === 0 ? gaps : []));
  joined.value = join(columns);
  const digits = scales.value.names.map((_, scale) =>
    Math.max(0, ...shown.value.map(({ key }, place) => (scales.value.of[place] === scale ? digitsOf(key) : 0))),
  );
  const factors = scales.value.names.map((_, scale) => factorFor(largestOn(scale)));
  return { joined: joined.value, frame: frame.value, digits, factors, earlier: shownEarlier.value, incidentSpans: incidentSpans.value, clockSpans: shownClockSpans.value, limits: limits.value };
}

function largestOn(scale: number): number {
  const lines = shownLines.value.filter((_, place) => scales.value.of[place] === scale);
  return Math.max(0, ...lines.flat().map(({ min, max }) => Math.max(-min, max)));
}

function keepSize(element: HTMLElement, plot: Plot): () => void {
  const observer = new ResizeObserver(() => {
    plot.resize(element.clientWidth, element.clientHeight);
    room.value = roomIn(element.clientWidth);
  });
  observer.observe(element);
  return () => observer.disconnect();
}

function handleKey(event: KeyboardEvent, plot: Plot): void {
  const last = joined.peek().times.length - 1;
  const at = hovered.peek() ?? last;
  const middle = hoveredAt.peek() ?? frame.peek().to;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => plot.point(Math.max(0, at - 1)),
    ArrowRight: () => plot.point(Math.min(last, at + 1)),
    Home: () => plot.point(0),
    End: () => plot.point(last),
    "+": () => zoomAround(middle, 0.5),
    "=": () => zoomAround(middle, 0.5),
    "-": () => zoomAround(middle, 2),
    PageUp: () => panBy(0.5),
    PageDown: () => panBy(-0.5),
    Escape: () => select({ zoom: null }),
  };
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
}

/** Explains why the chart is empty. */
export function Nothing() {
  if (problem.value) return <p class="canvas-message">History could not be loaded: {visible(problem.value)}. Trying again…</p>;
  if (loading.value || !loaded.value) return <p class="canvas-message canvas-waiting">Loading…</p>;
  if (!shown.value.some(({ key }) => latestOf(key))) {
    return known.value ? <p class="canvas-message">No sensor called {visible(frontKey.value ?? "")} has sent a reading yet.</p> : null;
  }
  return (
    <div class="canvas-message">
      <p>No readings in this time range.</p>
      <button class="button" onClick={() => select({ range: "all", zoom: null })}>Show all readings</button>
    </div>
  );
}

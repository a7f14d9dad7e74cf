import { now } from "../live/clock";
import type { Slot } from "../live/history-buffer";
import type { Series } from "../live/state";
import { breaksOf, FEWEST_POINTS, leastSpan } from "../ui/plotting";

const WIDTH = 120;
const HEIGHT = 32;
// Pixels above and below the line, so that a spike does not touch the text.
const MARGIN = 3;

/** The last minutes of a series: a band from minimum to maximum, a line of means, and a dot for the newest value. */
export function Sparkline({ series }: { series: Series }) {
  const { slots, slotMs } = series.buffer;
  const newest = series.newest.peek();
  const span = series.buffer.span(newest.measuredAtMs, now.value);
  const shown = slots.filter((slot) => slot.at + slotMs > span.from);
  if (shown.length < FEWEST_POINTS) return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" />;

  const place = placement(shown, span.from, span.to, slotMs);
  const runs = unbroken(shown);
  const end = { x: place.x(newest.measuredAtMs), y: place.y(newest.value) };
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="sparkline-band" d={runs.map((run) => bandPath(run, place)).join("")} />
      <path class="sparkline-line" d={runs.map((run) => linePath(run, place, run === runs.at(-1) ? end : null)).join("")} />
      <path class="sparkline-dot" d={`M${end.x} ${end.y}h0`} />
    </svg>
  );
}

interface Placement {
  x(ms: number): number;
  y(value: number): number;
  middle(slot: Slot): number;
}

function placement(slots: Slot[], from: number, to: number, slotMs: number): Placement {
  const low = Math.min(...slots.map((slot) => slot.min));
  const high = Math.max(...slots.map((slot) => slot.max));
  // A flat line belongs in the middle, and noise looks flat.
  const range = Math.max(high - low, leastSpan(low, high));
  const middleValue = low / 2 + high / 2;
  const x = (ms: number) => round(((ms - from) / (to - from)) * WIDTH);
  return {
    x,
    y: (value) => round(HEIGHT / 2 - ((value - middleValue) / range) * (HEIGHT - 2 * MARGIN)),
    middle: (slot) => x(Math.max(from, Math.min(slot.at + slotMs / 2, to))),
  };
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}

function unbroken(slots: Slot[]): Slot[][] {
  const breaks = breaksOf(slots.map((slot) => slot.at));
  const runs: Slot[][] = [];
  slots.forEach((slot, index) => {
    if (index === 0 || breaks[index]) runs.push([]);
    runs.at(-1)!.push(slot);
  });
  return runs;
}

function linePath(run: Slot[], place: Placement, end: { x: number; y: number } | null): string {
  const spots = run.map((slot) => `${place.middle(slot)} ${place.y(slot.mean)}`);
  if (end) spots[spots.length - 1] = `${end.x} ${end.y}`;
  // A run of one is a dash of no length, which round caps turn into a dot.
  return spots.length === 1 ? `M${spots[0]}h0` : `M${spots.join("L")}`;
}

function bandPath(run: Slot[], place: Placement): string {
  const above = run.map((slot) => `${place.middle(slot)} ${place.y(slot.max)}`);
  const below = run.map((slot) => `${place.middle(slot)} ${place.y(slot.min)}`).reverse();
  return run.length === 1 ? "" : `M${[...above, ...below].join("L")}Z`;
}

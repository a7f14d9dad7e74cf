// How each line is drawn: its mean, the band from minimum to maximum, and markers along it.

import uPlot from "uplot";
import { colour } from "../../ui/colour";
import type { Joined } from "../common-axis";
import { scaleOf } from "./axes";

export interface PlotLine {
  /** The name of its colour in the style sheet. */
  colour: string;
  /** A path in a box from 0 to 12; empty for a line without marks. */
  marker: string;
  scale: 0 | 1;
  /** Whether its values are states: one lasts until the next, with nothing in between. */
  isStates: boolean;
}

const steps = uPlot.paths.stepped!({ align: 1 });

/** Pixels between the markers of a line. */
const MARK_STEP = 110;
const COLUMNS_OF_A_LINE = 3;

/** The index of the mean of a line; its highs and lows follow. The line in front is drawn last. */
export function placeOf(line: number, lines: number): number {
  return 1 + COLUMNS_OF_A_LINE * (lines - 1 - line);
}

export function isMean(series: number): boolean {
  return series % COLUMNS_OF_A_LINE === 1;
}

export function seriesOf(lines: PlotLine[]): uPlot.Series[] {
  return inDrawingOrder(lines).flatMap((line) => {
    const isFront = line === lines[0];
    // The edges of the band are drawn, too: the band of a single spike would be too thin to be seen.
    const paths = line.isStates ? { paths: steps } : {};
    const edge = { stroke: () => faded(line, isFront ? "70" : "48"), width: 1, points: { show: false }, scale: scaleOf(line.scale), ...paths };
    const points = { show: false, filter: loneColumns, size: 5 };
    return [{ stroke: () => colour(line.colour), width: 1.75, points, scale: scaleOf(line.scale), ...paths }, edge, edge];
  });
}

export function bandsOf(lines: PlotLine[]): uPlot.Band[] {
  return lines.map((line, index) => {
    const mean = placeOf(index, lines.length);
    return { series: [mean + 1, mean + 2] as [number, number], fill: () => faded(line, index === 0 ? "2b" : "16") };
  });
}

export function dataOf({ times, lines }: Joined): uPlot.AlignedData {
  return [times, ...inDrawingOrder(lines).flatMap(({ means, highs, lows }) => [means, highs, lows])];
}

function inDrawingOrder<T>(lines: T[]): T[] {
  return [...lines].reverse();
}

/** The colours of lines have six digits; two more add transparency. */
function faded(line: PlotLine, opacity: string): string {
  return colour(line.colour) + opacity;
}

/** A reading with a gap on both sides is drawn as a dot. */
function loneColumns(plot: uPlot, series: number): number[] {
  const own = [...plot.data[series]!].flatMap((value, index) => (value === undefined ? [] : [{ value, index }]));
  const isBreak = (at: number) => (own[at]?.value ?? null) === null;
  return own.flatMap(({ index }, at) => (!isBreak(at) && isBreak(at - 1) && isBreak(at + 1) ? [index] : []));
}

/** Markers stand at fixed times, so that they do not crawl along a live line. */
export function drawMarkers(plot: uPlot, lines: PlotLine[]): void {
  const { min, max } = plot.scales.x!;
  const step = ((max! - min!) * MARK_STEP * devicePixelRatio) / plot.bbox.width;
  if (!(step > 0)) return;
  lines.forEach((line, index) => {
    if (!line.marker) return;
    const means = plot.data[placeOf(index, lines.length)]!;
    // The markers of each line are offset, so that those of close lines do not overlap.
    const offset = (step * index) / lines.length;
    const columns = new Set<number | null>();
    for (let at = Math.ceil((min! - offset) / step) * step + offset; at <= max!; at += step) {
      columns.add(nearest(plot.data[0], means, at, step / 2));
    }
    // A line may be too short to reach any of these times.
    if ([...columns].every((column) => column === null)) columns.add(nearest(plot.data[0], means, max!, Infinity));
    columns.forEach((column) => column !== null && drawMarker(plot, line, plot.data[0][column]!, means[column]!));
  });
}

/** The column with a value that is nearest to a time. */
function nearest(times: ArrayLike<number>, values: ArrayLike<number | null | undefined>, at: number, reach: number): number | null {
  let [best, least] = [null as number | null, reach];
  for (let column = 0; column < times.length; column++) {
    const distance = Math.abs(times[column]! - at);
    if (distance < least && values[column] != null) [best, least] = [column, distance];
  }
  return best;
}

function drawMarker(plot: uPlot, line: PlotLine, time: number, value: number): void {
  const { ctx, bbox } = plot;
  const [x, y] = [plot.valToPos(time, "x", true), plot.valToPos(value, scaleOf(line.scale), true)];
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.translate(x, y);
  ctx.scale(devicePixelRatio * 0.8, devicePixelRatio * 0.8);
  ctx.translate(-6, -6);
  const shape = new Path2D(line.marker);
  ctx.strokeStyle = colour("--surface");
  ctx.lineWidth = 3;
  ctx.stroke(shape);
  ctx.fillStyle = colour(line.colour);
  ctx.fill(shape);
  ctx.restore();
}

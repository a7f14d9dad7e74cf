import assert from "node:assert/strict";
import { test } from "node:test";
import { asSent } from "../ui/units";
import { convertPoints, inOneUnit, join, pointAt, scalesOf, toRows } from "./common-axis";
import { extend, toColumns, type Point } from "./points";

const point = (from: number, mean: number, count = 1) => ({ from, to: from + 10, min: mean - 1, max: mean + 1, mean, count });
const columns = (...points: Point[]) => toColumns(points, { from: 0, to: 1000 });

test("lines with the same times share their columns", () => {
  const { times, lines } = join([columns(point(0, 1), point(10, 2)), columns(point(0, 5), point(10, 6))]);
  assert.deepEqual(times, [0.005, 0.015]);
  assert.deepEqual(lines.map(({ means }) => means), [[1, 2], [5, 6]]);
  assert.deepEqual([lines[1].lows, lines[1].highs], [[4, 5], [6, 7]]);
});

test("a line continues where only other lines have a column", () => {
  const { times, lines } = join([columns(point(0, 1), point(10, 2), point(20, 3)), columns(point(0, 5), point(20, 6))]);
  assert.deepEqual(times, [0.005, 0.015, 0.025]);
  assert.deepEqual(lines[1].means, [5, undefined, 6]);
});

test("a gap stays a gap over all columns that other lines have in it", () => {
  const steady = columns(...Array.from({ length: 11 }, (_, n) => point(n * 10, n)));
  const { lines } = join([steady, columns(point(0, 1), point(10, 2), point(20, 3), point(80, 4), point(90, 5))]);
  const means = lines[1].means.filter((_, index) => lines[0].means[index] !== undefined);
  assert.deepEqual(means, [1, 2, 3, null, null, null, null, null, 4, 5, undefined]);
  assert.ok(!lines[0].means.includes(null));
});

test("a line without readings is empty", () => {
  const { times, lines } = join([columns(), columns(point(0, 5))]);
  assert.deepEqual([times, lines[0].means], [[0.005], [undefined]]);
  assert.deepEqual(join([]), { times: [], lines: [] });
});

test("the value at an instant is that of its bucket, or of the nearest one within reach", () => {
  const points = [point(0, 1), point(100, 2)];
  const meanAt = (at: number, reach: number) => pointAt(points, at, reach)?.mean ?? null;
  assert.deepEqual([meanAt(5, 0), meanAt(30, 0), meanAt(30, 20), meanAt(60, 30), meanAt(75, 30)], [1, null, 1, null, 2]);
  assert.equal(pointAt([point(0, 1), point(10, 2)], 10, 0)?.mean, 1);
  assert.equal(pointAt([], 0, 100), null);
});

test("there are at most two scales: by unit, or by metric without a unit", () => {
  const of = (...all: [string, string | null][]) => scalesOf(all.map(([metric, unit]) => ({ metric, unit })));
  assert.deepEqual(of(["temperature", "celsius"], ["dew-point", "celsius"]), { names: ["celsius"], of: [0, 0] });
  assert.deepEqual(of(["temperature", "celsius"], ["humidity", "percent"], ["pressure", "pascal"]), {
    names: ["celsius", "percent"], of: [0, 1, null],
  });
  assert.deepEqual(of(["humidity", null], ["temperature", null], ["humidity", "percent"]), {
    names: ["percent", "temperature"], of: [0, 1, 0],
  });
});

test("series that convert into each other are drawn in the unit of the first of them", () => {
  const drawn = (...sent: (string | null)[]) => inOneUnit(sent.map(asSent), sent).map(({ unit }) => unit);
  assert.deepEqual(drawn("celsius", "°F", "percent", "K", "parrots", null), ["celsius", "celsius", "percent", "celsius", "parrots", null]);
  const [, fahrenheit] = inOneUnit(["celsius", "°F"].map(asSent), ["celsius", "°F"]);
  const [found] = convertPoints([{ from: 0, to: 1, min: 32, max: 212, mean: 50, count: 3 }], fahrenheit!);
  assert.deepEqual([found!.min, found!.max, found!.mean].map((value) => Math.round(value * 1e9) / 1e9), [0, 100, 10]);
});

test("a row has the points of all series at the same time, newest first", () => {
  const rows = toRows([[point(100, 1), point(110, 2)], [point(110.4, 3), point(130, 4)]], { origin: 100, widthMs: 10 });
  assert.deepEqual(rows.map(({ from, points }) => [from, ...points.map((one) => one?.mean ?? null)]), [
    [130, null, 4], [110, 2, 3], [100, 1, null],
  ]);
});

test("a first live reading lies on the grid of the others", () => {
  const [first] = extend([], { origin: 100, widthMs: 10 }, 137, 5);
  assert.deepEqual([first.from, first.to], [130, 140]);
});

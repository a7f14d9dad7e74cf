import assert from "node:assert/strict";
import { test } from "node:test";
import type { Span } from "../api/client";
import { extend, later, frameOf, summaryOf, toColumns, wholeFrame } from "./points";

const point = (from: number, mean: number, count = 1) => ({ from, to: from + 10, min: mean - 1, max: mean + 1, mean, count });

const grid = { origin: 0, widthMs: 10 };

test("a range ends now, or at the newest reading if that is old", () => {
  const [range, first, now] = [900_000, 0, 9_000_000];
  const frame = { endsAtNewest: false, beginsAtFirst: false };
  assert.deepEqual(frameOf(range, first, 8_990_000, now), { ...frame, from: 8_100_000, to: now });
  assert.deepEqual(frameOf(range, first, 3_000_000, now), { ...frame, from: 2_100_000, to: 3_000_000, endsAtNewest: true });
});

test("while an incident is open, the range reaches from the last readings to now", () => {
  const [range, newest] = [900_000, 3_000_000];
  const { from, to, endsAtNewest } = frameOf(range, 0, newest, 4_020_000, true);
  assert.deepEqual({ from, to, endsAtNewest }, { from: 2_550_000, to: 4_020_000, endsAtNewest: false });
  assert.equal(frameOf(range, 0, newest, 4_020_000, false).to, newest);
  // Years of silence would leave nothing of the readings.
  assert.equal(frameOf(range, 0, newest, 1e12, true).to, newest);
  const lone = frameOf(range, newest, newest, 4_000_000, true);
  assert.ok(lone.from < newest && lone.from > newest - 100_000 && lone.beginsAtFirst);
});

test("a device whose clock is ahead is shown to its newest reading", () => {
  assert.equal(frameOf(900_000, 0, 9_100_000, 9_000_000).to, 9_100_000);
});

test("a series that is younger than the range fills the chart, from a minute on", () => {
  const { from, beginsAtFirst } = frameOf(900_000, 500_000, 700_000, 700_000);
  assert.deepEqual({ from, beginsAtFirst }, { from: 500_000, beginsAtFirst: true });
  const first = frameOf(900_000, 690_000, 700_000, 700_000);
  assert.deepEqual([first.from, first.to], [690_000, 750_000]);
});

test("the range of all readings is at least a minute, with a single one in the middle", () => {
  const { from, to } = wholeFrame(100_000, 100_000);
  assert.deepEqual([from, to], [70_000, 130_000]);
  assert.equal(wholeFrame(0, 100_000).to, 100_000);
});

test("a live reading is added to its bucket", () => {
  const [last] = extend([point(0, 5)], grid, 9, 7);
  assert.deepEqual(last, { from: 0, to: 10, min: 4, max: 7, mean: 6, count: 2 });
});

test("a live reading after the last bucket begins one on the same grid", () => {
  const points = extend([point(0, 5)], grid, 37, 7);
  assert.deepEqual(points.at(-1), { from: 30, to: 40, min: 7, max: 7, mean: 7, count: 1 });
});

test("a reading that is older than the last bucket is left to the next load", () => {
  const points = [point(100, 5)];
  assert.equal(extend(points, grid, 50, 7), points);
});

test("the line breaks in a gap and nowhere else", () => {
  const points = [0, 10, 20, 60, 70].map((from) => point(from, 5));
  const { means, times } = toColumns(points, { from: 0, to: 72 });
  assert.deepEqual(means, [5, 5, 5, null, 5, 5]);
  assert.deepEqual(times, [0.005, 0.015, 0.025, 0.045, 0.065, 0.072]);
});

test("the line breaks over a silence, unless late readings have filled it", () => {
  const points = [0, 40, 80].map((from) => point(from, 5));
  const breaks = (gap: Span) => toColumns(points, { from: 0, to: 90 }, [gap]).means.indexOf(null);
  assert.equal(breaks({ from: 45, to: 82 }), 2);
  assert.equal(breaks({ from: 90, to: 120 }), -1);
  const late = Array.from({ length: 8 }, (_, n) => point(n * 12, 5));
  assert.ok(!toColumns(late, { from: 0, to: 100 }, [{ from: 8, to: 90 }]).means.includes(null));
});

test("the summary weights each bucket by its readings, and excludes what is outside", () => {
  const points = [point(0, 1, 99), point(100, 10, 1), point(110, 20, 3)];
  const { min, max, mean, count } = summaryOf(points, { from: 100, to: 200 })!;
  assert.deepEqual({ min, max, mean, count }, { min: 9, max: 21, mean: 17.5, count: 4 });
  assert.equal(summaryOf(points, { from: 500, to: 600 }), null);
});

test("means of the largest numbers are numbers", () => {
  const huge = (mean: number) => ({ from: 0, to: 10, min: mean, max: mean, mean, count: 1 });
  assert.equal(summaryOf([huge(1e308), huge(1e308)], { from: -1, to: 20 })!.mean, 1e308);
  assert.equal(extend([huge(-1.5e308)], grid, 5, 1.5e308)[0].mean, 0);
});

test("what was earlier is drawn later", () => {
  const [point] = later([{ from: 1000, to: 2000, min: 1, max: 3, mean: 2, count: 5 }], 86_400_000);
  assert.deepEqual(point, { from: 86_401_000, to: 86_402_000, min: 1, max: 3, mean: 2, count: 5 });
});

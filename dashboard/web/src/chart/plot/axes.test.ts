import assert from "node:assert/strict";
import { test } from "node:test";
import type uPlot from "uplot";
import { fittingTimeLabels, RIGHT_MARGIN } from "./axes";

const MINUTE = 60;
const WIDTH = 400;

/** The labels of three minutes; each line of a label is as wide as this, and the last one stands there. */
function labels(wide: number, last: number): string[] {
  const start = Date.UTC(2026, 0, 15, 12) / 1000;
  const ctx = { save() {}, restore() {}, measureText: () => ({ width: wide }) };
  const valToPos = (at: number) => last - (2 - (at - start) / MINUTE) * 100;
  const plot = { bbox: { width: 2 * WIDTH }, ctx, valToPos } as unknown as uPlot;
  return fittingTimeLabels(plot, [start, start + MINUTE, start + 2 * MINUTE], 0, 0, MINUTE);
}

test("the last label of the time axis does not stick out of the chart", () => {
  Object.assign(globalThis, { devicePixelRatio: 2 });
  const edge = WIDTH + RIGHT_MARGIN;
  assert.deepEqual(labels(60, edge - 30).map(Boolean), [true, true, true]);
  assert.deepEqual(labels(60, edge - 29).map(Boolean), [true, true, false]);
  assert.deepEqual(labels(62, edge - 30).map(Boolean), [true, true, false]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { HEIGHT, pictureOf, spanOf, WIDTH, type Slot } from "./metric-chart";

const slot = (at: number, min: number, max = min): Slot => ({ at, min, max, mean: (min + max) / 2 });
const span = { from: 0, to: 300 };

test("nothing is drawn of nothing", () => {
  assert.equal(pictureOf([], span), null);
});

test("a line goes from the lowest to the highest value, and its band holds the extremes", () => {
  const picture = pictureOf([slot(0, 0, 2), slot(150, 4, 6), slot(300, 8, 10)], span)!;
  assert.deepEqual([picture.min, picture.max], [0, 10]);
  assert.equal(picture.line, `M0 68.8L150 40L${WIDTH} 11.2`);
  assert.match(picture.band, /^M0 61\.6L150 32\.8L300 4L300 18\.4L150 47\.2L0 76Z$/);
});

test("what does not change is a line in the middle", () => {
  assert.equal(pictureOf([slot(0, 5), slot(300, 5)], span)!.line, `M0 ${HEIGHT / 2}L300 ${HEIGHT / 2}`);
});

test("a gap breaks the line, and a reading alone is a dot", () => {
  const picture = pictureOf([slot(0, 1), slot(10, 1), slot(20, 1), slot(200, 1)], span)!;
  assert.equal(picture.line.split("M").length - 1, 2);
  assert.match(picture.line, /M200 40h0$/);
});

test("a chart ends now, or with a series that has ended before", () => {
  const hour = 3_600_000;
  assert.deepEqual(spanOf("1h", 10 * hour - 5, 10 * hour), { from: 9 * hour, to: 10 * hour });
  assert.deepEqual(spanOf("1h", 4 * hour, 10 * hour), { from: 3 * hour + 1, to: 4 * hour + 1 });
});

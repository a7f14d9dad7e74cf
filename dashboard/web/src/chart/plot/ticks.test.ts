import assert from "node:assert/strict";
import { test } from "node:test";
import { labelsOf } from "./ticks";

/** The values as uPlot makes them, each from the one before. */
function labels(from: number, step: number, count = 4): string[] {
  const values = [from];
  while (values.length < count) values.push(values.at(-1)! + step);
  return labelsOf(values, step);
}

test("labels have the decimals that their step needs", () => {
  assert.deepEqual(labels(17.5, 2.5), ["17.5", "20.0", "22.5", "25.0"]);
  assert.deepEqual(labels(23.25, 0.25), ["23.25", "23.50", "23.75", "24.00"]);
  assert.deepEqual(labels(975, 25), ["975", "1,000", "1,025", "1,050"]);
  assert.deepEqual(labels(-0.025, 0.025, 3), ["−0.025", "0.000", "0.025"]);
  assert.deepEqual(labels(-0.2, 0.1), ["−0.2", "−0.1", "0.0", "0.1"]);
  assert.deepEqual(labels(0, 1), ["0", "1", "2", "3"]);
});

test("no two labels are equal, whatever the step", () => {
  for (const digits of [1, 2, 2.5, 5]) {
    for (let power = -30; power <= 30; power++) {
      const step = digits * 10 ** power;
      for (const from of [0, 3 * step, -2 * step, 40 * step]) {
        const made = labels(from, step, 6);
        assert.equal(new Set(made).size, 6, `${step} from ${from}: ${made}`);
      }
    }
  }
});

test("huge and tiny values have a power of ten", () => {
  assert.deepEqual(labels(0, 2.5e307, 3), ["0", "2.5×10³⁰⁷", "5.0×10³⁰⁷"]);
  assert.deepEqual(labels(9.95e307, 5e305, 3), ["0.995×10³⁰⁸", "1.000×10³⁰⁸", "1.005×10³⁰⁸"]);
  assert.deepEqual(labels(1e-9, 1e-9, 2), ["1×10⁻⁹", "2×10⁻⁹"]);
  assert.deepEqual(labels(1_234_000_000, 500_000, 3), ["1.2340×10⁹", "1.2345×10⁹", "1.2350×10⁹"]);
});

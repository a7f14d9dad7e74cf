import assert from "node:assert/strict";
import { test } from "node:test";
import { Precision } from "./precision";

test("the decimals of a series grow with its values, up to what is sensible for their size", () => {
  const digitsAfter = (...values: number[]) => {
    const precision = new Precision();
    values.forEach((value) => precision.learn(value));
    return precision.digits;
  };
  assert.equal(digitsAfter(24), 0);
  assert.equal(digitsAfter(23.5, 24), 1);
  assert.equal(digitsAfter(0.1 + 0.2), 1);
  assert.equal(digitsAfter(69.88083514), 2);
  assert.equal(digitsAfter(1013.25), 1);
  assert.equal(digitsAfter(0.01234), 4);
  assert.equal(digitsAfter(1.5e-7), 4);
  assert.equal(digitsAfter(5e-324), 4);
  assert.equal(digitsAfter(1e308), 0);
  assert.equal(digitsAfter(0), 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Rate } from "./rate";

test("the rate covers the last ten seconds, and is unknown at first", () => {
  const rate = new Rate();
  assert.equal(rate.perSecond(0), null);
  rate.start(0);
  rate.add(1000, 10);
  assert.equal(rate.perSecond(1500), null);
  assert.equal(rate.perSecond(4000), 2.5);
  for (let at = 4100; at <= 20_000; at += 100) rate.add(at, 5);
  assert.equal(rate.perSecond(20_000), 50);
  assert.equal(rate.perSecond(25_000), 25);
  assert.equal(rate.perSecond(60_000), 0);
  rate.start(60_000);
  assert.equal(rate.perSecond(61_000), null);
});

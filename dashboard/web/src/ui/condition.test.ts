import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../api/client";
import { conditionText } from "./condition";
import { conversion } from "./units";

test("a condition has its unit where the mails have it", () => {
  const text = (kind: Incident["kind"], condition: string, unit: string | null = "celsius") => conditionText({ kind, condition }, unit);
  assert.equal(text("outside", "outside 15 to 25"), "outside 15 to 25\u202f°C");
  assert.equal(text("below", "below 3", "lux"), "below 3\u202flx");
  assert.equal(text("rate", "changing by more than 2 per minute"), "changing by more than 2\u202f°C per minute");
  assert.equal(text("above", "above 25", null), "above 25");
  assert.equal(text("above", ""), "");
});

test("limits are shown in the unit that the reader prefers", () => {
  const text = (kind: Incident["kind"], condition: string, unit: string, into: string) => conditionText({ kind, condition }, unit, conversion(unit, into));
  assert.equal(text("above", "above 25", "celsius", "fahrenheit"), "above 77\u202f°F");
  assert.equal(text("outside", "outside -5 to 22.5", "celsius", "fahrenheit"), "outside 23 to 72.5\u202f°F");
  assert.equal(text("rate", "changing by more than 2 per minute", "celsius", "fahrenheit"), "changing by more than 3.6\u202f°F per minute");
  assert.equal(text("below", "below 1000", "hPa", "inHg"), "below 29.53\u202finHg");
  assert.equal(text("unusual", "unusual, mostly 20 to 25", "celsius", "fahrenheit"), "unusual, mostly 68 to 77\u202f°F");
  assert.equal(text("absent", "absent for 2m", "celsius", "fahrenheit"), "silent for 2 min");
});

test("silent and stuck series are described with durations as the page writes them", () => {
  const text = (kind: Incident["kind"], condition: string) => conditionText({ kind, condition }, "celsius");
  assert.equal(text("absent", "absent for 2m"), "silent for 2 min");
  assert.equal(text("absent", "absent for 1h 30m"), "silent for 1 h 30 min");
  assert.equal(text("absent", "absent for 2days 12h"), "silent for 2 d 12 h");
  assert.equal(text("stuck", "the same for 10m 500ms"), "unchanged for 10 min 500 ms");
});

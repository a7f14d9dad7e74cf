import assert from "node:assert/strict";
import { test } from "node:test";
import type { Incident } from "../api/client";
import { conditionText } from "./condition";
import { conversion } from "./units";

test("a condition has its unit where the mails have it", () => {
  const text = (kind: Incident["kind"], condition: string, unit: string | null = "celsius") => conditionText({ kind, metric: "temperature", condition }, unit);
  assert.equal(text("outside", "outside 15 to 25"), "outside 15 to 25\u202f°C");
  assert.equal(text("below", "below 3", "lux"), "below 3\u202flx");
  assert.equal(text("rate", "changing by more than 2 per minute"), "changing by more than 2\u202f°C per minute");
  assert.equal(text("above", "above 25", null), "above 25");
  assert.equal(text("above", ""), "");
});

test("limits are shown in the unit that the reader prefers", () => {
  const text = (kind: Incident["kind"], condition: string, unit: string, into: string) => conditionText({ kind, metric: "temperature", condition }, unit, conversion(unit, into));
  assert.equal(text("above", "above 25", "celsius", "fahrenheit"), "above 77\u202f°F");
  assert.equal(text("outside", "outside -5 to 22.5", "celsius", "fahrenheit"), "outside 23 to 72.5\u202f°F");
  assert.equal(text("rate", "changing by more than 2 per minute", "celsius", "fahrenheit"), "changing by more than 3.6\u202f°F per minute");
  assert.equal(text("below", "below 1000", "hPa", "inHg"), "below 29.53\u202finHg");
  assert.equal(text("unusual", "unusual, mostly 20 to 25", "celsius", "fahrenheit"), "unusual, mostly 68 to 77\u202f°F");
  assert.equal(text("absent", "absent for 2m", "celsius", "fahrenheit"), "silent for 2 min");
});

test("a limit that has a word is shown as the word", () => {
  const text = (kind: Incident["kind"], condition: string, metric = "door", unit: string | null = null) => conditionText({ kind, metric, condition }, unit);
  assert.equal(text("above", "above 0"), "above closed");
  assert.equal(text("above", "above 0.5"), "above 0.5");
  assert.equal(text("outside", "outside 0 to 1"), "outside closed to open");
  assert.equal(text("above", "above 0", "temperature"), "above 0");
  assert.equal(text("above", "above 0", "door", "percent"), "above 0\u202f%");
  assert.equal(text("rate", "changing by more than 1 per minute"), "changing by more than 1 per minute");
  assert.equal(text("above", "above 1e-7"), "above 1e-7");
});

test("silent and stuck series are described with durations as the page writes them", () => {
  const text = (kind: Incident["kind"], condition: string) => conditionText({ kind, metric: "temperature", condition }, "celsius");
  assert.equal(text("absent", "absent for 2m"), "silent for 2 min");
  assert.equal(text("absent", "absent for 1h 30m"), "silent for 1 h 30 min");
  assert.equal(text("absent", "absent for 2days 12h"), "silent for 2 d 12 h");
  assert.equal(text("stuck", "the same for 10m 500ms"), "unchanged for 10 min 500 ms");
});

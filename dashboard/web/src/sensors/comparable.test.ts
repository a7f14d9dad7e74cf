import assert from "node:assert/strict";
import { test } from "node:test";
import { whyIncomparable } from "./comparable";

const why = (...all: [string, string | null][]) => whyIncomparable(all.map(([metric, unit]) => ({ metric, unit })));

test("values are comparable in one unit, in spellings of it, and in units that convert into each other", () => {
  assert.equal(why(), null);
  assert.equal(why(["temperature", "celsius"], ["dew_point", "°C"], ["oven", "fahrenheit"]), null);
  assert.equal(why(["level", "bananas"], ["stock", "bananas"]), null);
  assert.equal(why(["door", null], ["door", null]), null);
});

test("where they are not, the units are named", () => {
  assert.equal(why(["temperature", "celsius"], ["humidity", "%"]), "the units are °C and %");
  assert.equal(why(["t", "celsius"], ["h", "%"], ["p", "hPa"], ["v", "V"], ["x", "W"]), "the units are °C, %, hPa and 2 others");
});

test("one metric in several units is several scales, and values without a unit are comparable to none with one", () => {
  assert.equal(why(["level", "m"], ["level", "%"]), "the units are m and %");
  assert.equal(why(["temperature", "celsius"], ["temperature", null]), "the units are °C and none (temperature)");
  assert.equal(why(["door", null], ["window", null]), "the units are none (door) and none (window)");
  assert.equal(why(["noise", "dB"], ["signal", "dBm"]), "the units are dB and dBm");
});

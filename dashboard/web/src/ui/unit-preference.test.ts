import assert from "node:assert/strict";
import { test } from "node:test";
import { CHOICES, preferenceFrom, preferred, type UnitPreference } from "./unit-preference";
import { conversion, convert, unitOf } from "./units";

const shown = (value: number, sent: string | null, preference: UnitPreference) => {
  const found = preferred(sent, preference);
  return `${Number(convert(value, found).toFixed(6))} ${found.unit}`;
};

test("a system of units changes what it has another unit for", () => {
  const of = (system: UnitPreference["system"], sent: string | null) => shown(10, sent, { system, units: {} });
  assert.equal(of("sent", "°C"), "10 celsius");
  assert.equal(of("imperial", "°C"), "50 fahrenheit");
  assert.equal(of("metric", "°F"), "-12.222222 celsius");
  assert.equal(of("metric", "in"), "254 mm");
  assert.equal(of("imperial", "km/h"), "6.213712 mph");
  assert.equal(of("imperial", "percent"), "10 percent");
  assert.equal(of("imperial", "parrots"), "10 parrots");
  assert.equal(of("imperial", "constructor"), "10 constructor");
  assert.equal(of("imperial", null), "10 null");
});

test("a unit that is chosen for a dimension comes before the system", () => {
  const preference: UnitPreference = { system: "imperial", units: { Temperature: "kelvin" } };
  assert.equal(shown(0, "celsius", preference), "273.15 kelvin");
  assert.equal(shown(1, "m", preference), "3.28084 ft");
});

test("every unit of a system, and every choice, converts within its dimension", () => {
  for (const [dimension, units] of Object.entries(CHOICES)) {
    for (const unit of units) assert.equal(unitOf(unit)?.dimension, dimension, unit);
  }
  for (const system of ["metric", "imperial"] as const) {
    for (const unit of Object.values(CHOICES).flat()) {
      const found = preferred(unit, { system, units: {} });
      assert.equal(conversion(unit, found.unit).unit, found.unit, `${unit} in ${system}`);
    }
  }
});

test("what the browser kept is taken as far as it is understood", () => {
  assert.deepEqual(preferenceFrom(null), { system: "sent", units: {} });
  assert.deepEqual(preferenceFrom("rubbish"), { system: "sent", units: {} });
  assert.deepEqual(preferenceFrom('{"system":"toString","units":{"Temperature":"hPa","Pressure":"hPa","constructor":"m"}}'), { system: "sent", units: { Pressure: "hPa" } });
  assert.deepEqual(preferenceFrom('{"system":"metric"}'), { system: "metric", units: {} });
  assert.deepEqual(preferenceFrom("null"), { system: "sent", units: {} });
});

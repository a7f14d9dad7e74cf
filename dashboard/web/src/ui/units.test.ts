import assert from "node:assert/strict";
import { test } from "node:test";
import { asSent, baseOf, conversion, convert, convertDigits, unitOf, unitSign } from "./units";

const near = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${found} is not ${expected}`);

test("spellings of one unit are one unit", () => {
  for (const spelling of ["celsius", "°C", "C", " Celsius "]) assert.equal(unitOf(spelling)?.name, "celsius");
  assert.equal(unitOf("furlong"), null);
  assert.equal(unitOf("toString"), null);
  assert.equal(asSent("°C").unit, "celsius");
  assert.equal(asSent("parrots").unit, "parrots");
});

test("a unit has its sign, and an unknown one is shown as text", () => {
  assert.deepEqual(["celsius", "percent", "kWh", "m3", "toString", null].map(unitSign), ["°C", "%", "kWh", "m³", "toString", ""]);
  for (const unit of ["toString", "__proto__", "constructor", "hasOwnProperty"]) assert.equal(unitSign(unit), unit);
  assert.equal(unitSign("\u202egnp.exe"), "\\u202egnp.exe");
});

test("values convert between units of one dimension, and others stay as they are", () => {
  near(convert(20, conversion("celsius", "fahrenheit")), 68);
  near(convert(68, conversion("°F", "C")), 20);
  near(convert(1013.25, conversion("hPa", "inHg")), 29.921255579748);
  near(convert(1500, conversion("W", "kW")), 1.5);
  assert.deepEqual(conversion("percent", "celsius"), { unit: "percent", factor: 1, offset: 0 });
  assert.deepEqual(conversion(null, "celsius"), { unit: null, factor: 1, offset: 0 });
  assert.deepEqual(conversion("dB", "dBm"), { unit: "dB", factor: 1, offset: 0 });
});

test("a converted value has as many decimals as say the same", () => {
  assert.equal(convertDigits(1, conversion("celsius", "fahrenheit")), 1);
  assert.equal(convertDigits(1, conversion("hPa", "inHg")), 3);
  assert.equal(convertDigits(2, conversion("kWh", "Wh")), 0);
  assert.equal(convertDigits(0, conversion("W", "kW")), 3);
});

test("values of several units have an order", () => {
  assert.ok(baseOf(1, "kW") > baseOf(900, "W"));
  assert.ok(baseOf(20, "celsius") > baseOf(50, "fahrenheit"));
  assert.equal(baseOf(7, null), 7);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, visible } from "./visible";

test("characters that cannot be seen, or that reorder others, are escaped", () => {
  assert.equal(visible("\u202egnp.exe"), "\\u202egnp.exe");
  assert.equal(visible("a\u200bb\u2066c\u00add"), "a\\u200bb\\u2066c\\u00add");
  assert.equal(visible("23.5\0"), "23.5\\u0000");
  assert.equal(visible("\u{e0041}\ue000\ud800\u3164\u2800\u00a0\u034f"), "\\u{e0041}\\ue000\\ud800\\u3164\\u2800\\u00a0\\u034f");
  assert.equal(visible("a\nb\tc"), "a\\u000ab\\u0009c");
});

test("what can be seen stays", () => {
  for (const text of ["°C", "µg/m³", "kW·h", "Lüftung 1", "温度", "e\u0301", "👍", "\\u202e"]) assert.equal(visible(text), text);
});

test("a pile of combining marks covers no neighbours", () => {
  assert.equal(visible("e\u0301\u0302\u0303\u0304"), "e\u0301\u0302\\u0303\\u0304");
});

test("right-to-left text is isolated, and closes itself", () => {
  assert.equal(visible("שלום"), "\u2068שלום\u2069");
  assert.equal(visible("\u2069\u202eש"), "\u2068\\u2069\\u202eש\u2069");
});

test("a payload keeps its lines, and each escape is a part of its own", () => {
  assert.deepEqual(partsOf("a\n\0b", true), [
    { text: "a\n", isEscape: false },
    { text: "\\u0000", isEscape: true },
    { text: "b", isEscape: false },
  ]);
});

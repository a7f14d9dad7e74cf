import assert from "node:assert/strict";
import { test } from "node:test";
import { wordFor } from "./words";

test("a state has a word, and a quantity has none", () => {
  assert.equal(wordFor("door", 1, null), "open");
  assert.equal(wordFor("contact", 1, null), "closed");
  assert.equal(wordFor("state", 2, null), null);
  assert.equal(wordFor("state", 0.5, null), null);
  assert.equal(wordFor("relay", -0, null), "off");
  assert.equal(wordFor("light", 1, "lx"), null);
  assert.equal(wordFor("toString", 1, null), null);
  assert.equal(wordFor("door", 1e300, null), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setRuleWords, wordFor, wordsOf } from "./words";

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

test("the words of rules come before the usual ones", () => {
  setRuleWords([
    { metric: "hatch", words: [{ value: 0, word: "shut" }, { value: 2, word: "open" }] },
    { metric: "door", words: [{ value: 0.5, word: "ajar" }] },
  ]);
  assert.equal(wordFor("hatch", 2, null), "open");
  assert.equal(wordFor("hatch", 1, null), null);
  assert.equal(wordFor("hatch", 2, "percent"), null);
  assert.deepEqual(wordsOf("hatch"), ["shut", "", "open"]);
  assert.equal(wordFor("door", 0.5, null), "ajar");
  assert.equal(wordFor("door", 1, null), null);
  assert.equal(wordsOf("door"), null);
  assert.equal(wordFor("window", 1, null), "open");
  setRuleWords([]);
  assert.equal(wordFor("door", 1, null), "open");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandFor, ignoringRule, readingsText } from "./rule";

test("what shall be ignored is named by its first two levels, where these can be written as a pattern", () => {
  assert.equal(ignoringRule({ name: "house/mood" }), '[[rule]]\ntopic = "house/mood/#"\nignore = true\n');
  assert.equal(ignoringRule({ name: "bath" }), '[[rule]]\ntopic = "bath/#"\nignore = true\n');
  for (const name of ["a/{b}", 'a/"b', "a/b\\", "a/\u0007", "a\n[[rule]]"]) assert.equal(ignoringRule({ name }), null, name);
});

test("the command has the rule as its input, so that no quote in it ends it", () => {
  assert.equal(commandFor("[[rule]]\ntopic = \"it's\"\n"), "millrace mappings add - <<'END'\n[[rule]]\ntopic = \"it's\"\nEND");
});

test("a few readings are named, and the others counted", () => {
  assert.equal(readingsText(["a/x = 1", "b/x = 2 percent"]), "a/x = 1, b/x = 2 percent");
  assert.equal(readingsText(["1", "2", "3", "4", "5", "6"]), "1, 2, 3, 4 and 2 more");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { allOrNone, failedText, forEachDevice, MOST_CHOSEN, toggled, withTags } from "./many-devices";

test("one device that fails stops no other, and the reasons are told", async () => {
  const counts: number[] = [];
  const act = async (name: string) => {
    if (name === "b") throw new Error("it is gone");
  };
  const outcome = await forEachDevice(["a", "b", "c"], act, (count) => counts.push(count));
  assert.deepEqual(outcome, { done: 2, failed: ["b: it is gone"] });
  assert.deepEqual(counts, [1, 2, 3]);
  assert.equal(failedText(outcome), "b: it is gone");
  assert.equal(failedText({ done: 1, failed: [] }), "");
  assert.match(failedText({ done: 0, failed: [..."abcdefg"] }), /^a; b; c; d; e; and 2 more$/);
});

test("devices are chosen one by one or all at once, up to a limit", () => {
  assert.deepEqual([...toggled(new Set(["a"]), "b")], ["a", "b"]);
  assert.deepEqual([...toggled(new Set(["a", "b"]), "a")], ["b"]);
  assert.deepEqual([...allOrNone(new Set(["a"]), ["a", "b"])], ["a", "b"]);
  assert.deepEqual([...allOrNone(new Set(["a", "b"]), ["a", "b"])], []);
  const many = Array.from({ length: MOST_CHOSEN + 1 }, (_, number) => `${number}`);
  assert.equal(allOrNone(new Set(), many).size, MOST_CHOSEN);
  assert.equal(toggled(new Set(many.slice(1)), "one more").size, MOST_CHOSEN);
});

test("a tag is there once", () => {
  assert.deepEqual(withTags(["a"], ["b", "a"]), ["a", "b"]);
});

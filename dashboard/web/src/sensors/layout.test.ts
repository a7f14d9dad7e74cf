import assert from "node:assert/strict";
import { test } from "node:test";
import { groupBy, groupPaths } from "./groups";
import { layOut, groupAbove, lineAt, move, scrollTo, spotOf } from "./layout";
import { nameOf } from "../address/names";

const measures = { columns: 3, itemHeight: 100, groupHeight: 30, gap: 10 };
const members = ["lab", ...[1, 2, 3, 4].map((n) => `berlin/${n}`), "oslo/1", "oslo/2"].map((device) => nameOf(device, "t"));
const whole = groupBy(members, groupPaths(members));
const open = layOut(whole, () => false, measures);
const keyOf = (line, column) => (line.kind === "group" ? line.group.path : line.items[column].device);

test("sensors stand in lines below the headings of their groups", () => {
  const told = open.lines.map((line) => [line.kind === "group" ? line.group.path : line.items.length, line.top, line.before]);
  assert.deepEqual(told, [[1, 0, 0], ["berlin", 110, 1], [3, 150, 2], [1, 260, 5], ["oslo", 370, 6], [2, 410, 7]]);
  assert.deepEqual([open.height, open.count], [510, 9]);
});

test("a closed group keeps its heading alone", () => {
  const { lines, height } = layOut(whole, (path) => path === "berlin", measures);
  assert.deepEqual(lines.map(({ top }) => top), [0, 110, 150, 190]);
  assert.equal(height, 290);
  assert.deepEqual(layOut({ ...whole, loose: [], groups: [] }, () => false, measures), { lines: [], height: 0, count: 0 });
});

test("the first line that is seen is found by height", () => {
  assert.deepEqual([-300, 0, 99, 100, 150, 509, 510].map((height) => lineAt(open.lines, height)), [0, 0, 0, 1, 2, 5, 6]);
});

test("a line that is scrolled to from below is not left under what covers the top", () => {
  assert.equal(scrollTo({ top: 150, height: 100 }, 160, 300, 30), 120);
  assert.equal(scrollTo({ top: 150, height: 100 }, 130, 300, 30), 120);
  assert.equal(scrollTo({ top: 150, height: 100 }, 100, 300, 30), 100);
  assert.equal(scrollTo({ top: 10, height: 100 }, 60, 300, 30), 0);
});

test("a group is named when its heading has gone by", () => {
  const named = (height) => groupAbove(open.lines, height)?.path ?? null;
  assert.deepEqual([0, 120, 145, 200, 300, 380, 450].map(named), [null, null, "berlin", "berlin", "berlin", null, "oslo"]);
  assert.equal(groupAbove([], 0), null);
});

test("ten thousand rows need a look at a dozen", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => nameOf(`sensor-${index}`, "t"));
  const { lines, height } = layOut(groupBy(many, new Set()), () => false, { columns: 1, itemHeight: 34, groupHeight: 34, gap: 0 });
  assert.equal(height, 340_000);
  assert.equal(lineAt(lines, 170_000), 5000);
});

test("scrolling goes as far as it has to", () => {
  const line = { top: 500, height: 100 };
  assert.equal(scrollTo(line, 450, 300), 450);
  assert.equal(scrollTo(line, 550, 300), 500);
  assert.equal(scrollTo(line, 0, 300), 300);
});

test("arrow keys go along a line, to the next one, and up and down", () => {
  const go = (line, column, key) => {
    const { line: toLine, column: toColumn } = move(open.lines, { line, column }, key, 250);
    return [toLine, toColumn];
  };
  assert.deepEqual(go(2, 0, "ArrowRight"), [2, 1]);
  assert.deepEqual(go(2, 2, "ArrowRight"), [3, 0]);
  assert.deepEqual(go(3, 0, "ArrowLeft"), [2, 2]);
  assert.deepEqual(go(2, 2, "ArrowDown"), [3, 0]);
  assert.deepEqual(go(2, 2, "ArrowUp"), [1, 0]);
  assert.deepEqual(go(0, 0, "ArrowUp"), [0, 0]);
  assert.deepEqual(go(0, 0, "ArrowLeft"), [0, 0]);
  assert.deepEqual(go(5, 1, "ArrowRight"), [5, 1]);
  assert.deepEqual(go(2, 1, "End"), [5, 1]);
  assert.deepEqual(go(5, 1, "Home"), [0, 0]);
  assert.deepEqual(go(5, 0, "PageUp"), [4, 0]);
  assert.equal(move(open.lines, { line: 0, column: 0 }, "x", 250), null);
});

test("an item is found where it stands, until its group is closed", () => {
  assert.deepEqual(spotOf(open.lines, "berlin/2", keyOf), { line: 2, column: 1 });
  assert.equal(spotOf(layOut(whole, () => true, measures).lines, "berlin/2", keyOf), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, type Name } from "../address/names";
import { groupBy, groupPaths } from "./groups";
import { groupAbove, layOut, lineAt, move, scrollTo, spotOf, type Line } from "./layout";

const measures = { columns: 3, itemHeight: 100, groupHeight: 30, gap: 10 };
const members = ["lab", ...[1, 2, 3, 4].map((n) => `berlin/${n}`), "oslo/1", "oslo/2"].map((device) => nameOf(device, "t"));
const whole = groupBy(members, groupPaths(members));
const open = layOut(whole, () => false, measures);
const keyOf = (line: Line<Name>, column: number) => (line.kind === "group" ? line.group.path : line.items[column].device);

test("sensors are laid out in lines below the headings of their groups", () => {
  const drawn = open.lines.map((line) => [line.kind === "group" ? line.group.path : line.items.length, line.top, line.before]);
  assert.deepEqual(drawn, [[1, 0, 0], ["berlin", 110, 1], [3, 150, 2], [1, 260, 5], ["oslo", 370, 6], [2, 410, 7]]);
  assert.deepEqual([open.height, open.count], [510, 9]);
});

test("a closed group consists of its heading", () => {
  const { lines, height } = layOut(whole, (path) => path === "berlin", measures);
  assert.deepEqual(lines.map(({ top }) => top), [0, 110, 150, 190]);
  assert.equal(height, 290);
  assert.deepEqual(layOut({ ...whole, loose: [], groups: [] }, () => false, measures), { lines: [], height: 0, count: 0 });
});

test("the first visible line is found by height", () => {
  assert.deepEqual([-300, 0, 99, 100, 150, 509, 510].map((height) => lineAt(open.lines, height)), [0, 0, 0, 1, 2, 5, 6]);
});

test("scrolling up to a line does not leave it under the pinned heading", () => {
  assert.equal(scrollTo({ top: 150, height: 100 }, 160, 300, 30), 120);
  assert.equal(scrollTo({ top: 150, height: 100 }, 130, 300, 30), 120);
  assert.equal(scrollTo({ top: 150, height: 100 }, 100, 300, 30), 100);
  assert.equal(scrollTo({ top: 10, height: 100 }, 60, 300, 30), 0);
});

test("the group is known after its heading was scrolled past", () => {
  const named = (height: number) => groupAbove(open.lines, height)?.path ?? null;
  assert.deepEqual([0, 120, 145, 200, 300, 380, 450].map(named), [null, null, "berlin", "berlin", "berlin", null, "oslo"]);
  assert.equal(groupAbove([], 0), null);
});

test("the position in ten thousand rows is found", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => nameOf(`sensor-${index}`, "t"));
  const { lines, height } = layOut(groupBy(many, new Set()), () => false, { columns: 1, itemHeight: 34, groupHeight: 34, gap: 0 });
  assert.equal(height, 340_000);
  assert.equal(lineAt(lines, 170_000), 5000);
});

test("scrolling goes no further than needed", () => {
  const line = { top: 500, height: 100 };
  assert.equal(scrollTo(line, 450, 300), 450);
  assert.equal(scrollTo(line, 550, 300), 500);
  assert.equal(scrollTo(line, 0, 300), 300);
});

test("arrow keys go along a line, to the next one, and up and down", () => {
  const go = (line: number, column: number, key: string) => {
    const to = move(open.lines, { line, column }, key, 250);
    return [to?.line, to?.column];
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

test("the position of an item is found, unless its group is closed", () => {
  assert.deepEqual(spotOf(open.lines, "berlin/2", keyOf), { line: 2, column: 1 });
  assert.equal(spotOf(layOut(whole, () => true, measures).lines, "berlin/2", keyOf), null);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Edge } from "../api/client";
import { clockText, edgesInOrder, goneText, isReplaced, isSilent, lostOf, onTheWayOf } from "./edge";

const sample: Edge = {
  edge: "site-a",
  run: "1",
  stored: 100,
  arrived: 90,
  deleted: 0,
  refused: 0,
  missing: 10,
  unsent: 10,
  missing_ranges: [[91, 100]],
  gone_ranges: [],
  first_heard_at: "2026-01-15T10:00:00Z",
  heard_at: "2026-01-15T12:00:00Z",
  clock_ahead_seconds: 0.3,
};

test("what an edge still has to send is not lost", () => {
  assert.equal(lostOf(sample), 0);
  assert.equal(lostOf({ ...sample, unsent: 3 }), 7);
  assert.equal(lostOf({ ...sample, unsent: 30 }), 0);
  assert.deepEqual([0, 3, 30].map((unsent) => onTheWayOf({ ...sample, unsent })), [0, 3, 10]);
});

test("an edge that has not reported for more than two minutes is silent", () => {
  const heard = Date.parse(sample.heard_at);
  assert.deepEqual([60_000, 151_000].map((ms) => isSilent(sample, heard + ms)), [false, true]);
});

test("edges that lost something are first, and a wiped edge's old database is after its new one", () => {
  const old = { ...sample, run: "0", first_heard_at: "2026-01-14T10:00:00Z", heard_at: "2026-01-14T12:00:00Z" };
  const lossy = { ...sample, edge: "site-z", unsent: 0 };
  assert.deepEqual(edgesInOrder([old, sample, lossy]).map(({ edge, run }) => [edge, run]), [["site-z", "1"], ["site-a", "1"], ["site-a", "0"]]);
  assert.deepEqual([old, sample, lossy].map((edge) => isReplaced(edge, [old, sample, lossy])), [true, false, false]);
});

test("clocks and reasons are said in words", () => {
  const clocks = [0.3, -1.9, 90, -3600].map((ahead) => clockText({ ...sample, clock_ahead_seconds: ahead }));
  assert.deepEqual(clocks, ["right", "right", "1 min 30 s ahead", "1 h behind"]);
  assert.equal(goneText(sample), "none");
  assert.equal(goneText({ ...sample, deleted: 1200, refused: 1 }), "1,200 deleted at the edge, 1 refused");
});

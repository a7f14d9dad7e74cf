import assert from "node:assert/strict";
import { test } from "node:test";
import { belongsTo, changes, groupsLike, withWaiting } from "./rejected";

test("only what was edited is sent, so that binary data stays as it is", () => {
  const before = { topic: "temperature/lab", payload: "a\r\nb\ufffd" };
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "a\nb\ufffd" }), {});
  assert.deepEqual(changes(before, { topic: "humidity/lab", payload: "a\nb\ufffd" }), { topic: "humidity/lab" });
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "" }), { payload: "" });
});

const group = (topic: string, reason: string, count = 1) => ({ topic, reason, count, oldest_received_at: "2026-01-15T10:00:00Z", newest_received_at: "2026-01-15T11:00:00Z" });

test("a group says how many of its payloads were not resent", () => {
  const merged = withWaiting([group("t/a", "r", 5), group("t/b", "r", 2)], [group("t/a", "r", 3)]);
  assert.deepEqual(merged.map(({ waiting }) => waiting), [3, 0]);
});

test("groups are found by topic and reason", () => {
  const all = withWaiting([group("temperature/lab", "not a number"), group("humidity/lab", "too long")], []);
  assert.deepEqual(groupsLike(all, "LAB number").map(({ topic }) => topic), ["temperature/lab"]);
  assert.equal(groupsLike(all, " ").length, 2);
});

test("a payload belongs to the group whose reason differs from its own only where it may", () => {
  const row = (reason: string, topic = "t/a") => ({ topic, reason });
  const many = group("t/a", "reading … of …: there is no value");
  assert.ok(belongsTo(row("reading 3 of 12: there is no value"), many));
  assert.ok(!belongsTo(row("reading 3 of 12: there is no unit"), many));
  assert.ok(!belongsTo(row("reading 3 of 12: there is no value", "t/b"), many));
  assert.ok(belongsTo(row("not a number"), group("t/a", "not a number")));
  assert.ok(!belongsTo(row("not a number: x"), group("t/a", "not a number")));
  assert.ok(belongsTo(row("not a number: \"23,5\""), group("t/a", "not a number: …")));
  assert.ok(!belongsTo(row("ab"), group("t/a", "ab…b")));
});

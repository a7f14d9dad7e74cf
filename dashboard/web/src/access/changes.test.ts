import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, isTime, refusedText } from "./changes";

const lines = (before: object | object[] | null, after: object | object[] | null) =>
  changesOf({ before, after, outcome: "done" } as Parameters<typeof changesOf>[0]).map(({ name, before, after }) => `${name}: ${before} -> ${after}`);

test("of a change only the fields that differ are listed", () => {
  const before = { role: "viewer", email: null, filters: ["site-a/#"], last_login_at: "2026-01-15T10:30:00Z" };
  assert.deepEqual(lines(before, { ...before, role: "operator", filters: [] }), ["role: viewer -> operator", "filters: site-a/# -> all devices"]);
  assert.deepEqual(lines(before, { ...before, email: "ben@localhost" }), ["email: null -> ben@localhost"]);
  assert.deepEqual(lines(before, before), []);
});

test("of what was added or removed, the fields that have a value are listed", () => {
  const user = { role: "viewer", email: null, filters: [] };
  assert.deepEqual(lines(null, user), ["role: null -> viewer", "filters: null -> all devices"]);
  assert.deepEqual(lines(user, null), ["role: viewer -> null", "filters: all devices -> null"]);
  assert.deepEqual(lines(null, null), []);
});

test("of an import the fields of each device are listed, and no more than twenty devices", () => {
  assert.deepEqual(lines([{ name: "lab", title: null }], [{ name: "lab", title: "Lab" }]), ["lab: title: null -> Lab"]);
  const many = Array.from({ length: 30 }, (_, at) => ({ name: `device-${at}` }));
  assert.equal(lines(null, many).length, 20);
});

test("values in lists and in objects are written as words", () => {
  assert.deepEqual(lines({ rule: { on: true, topics: ["a", "b"] } }, { rule: { on: false, topics: [], most: 3 } }), [
    "rule: on: yes -> no", "rule: topics: a, b -> none", "rule: most: null -> 3",
  ]);
  assert.deepEqual(lines(null, { list: [{ a: 1 }], toString: "x" }), ['list: null -> {"a":1}', "toString: null -> x"]);
});

test("a refusal says how often it happened, if more than once, and changes nothing", () => {
  const texts = [{ times: 1 }, { times: 60_000 }, null].map((after) => refusedText({ after }));
  assert.deepEqual(texts, ["refused", "refused 60,000 times", "refused"]);
  assert.deepEqual(changesOf({ before: null, after: { times: 5 }, outcome: "refused" }), []);
});

test("a time is one that says its zone", () => {
  assert.deepEqual(["2026-01-15T10:30:00Z", "2026-01-15T10:30:00.123456Z", "2026-01-15T10:30:00+01:00"].map(isTime), [true, true, true]);
  assert.deepEqual(["2026-01-15", "2026-01-15T10:30:00", "2026-99-99T10:30:00Z", "x 2026-01-15T10:30:00Z"].map(isTime), [false, false, false, false]);
});

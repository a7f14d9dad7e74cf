import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, choiceFrom, inFront, leftOut, withChoice } from "./selection";

const sensor = (topic) => ({ metric: topic.split("/")[0], device: topic.split("/").slice(1).join("/") });
const PLAIN = { sensor: null, others: [], range: "15m", zoom: null, table: false };

test("an address holds all that the chart shows, and is read back as it was", () => {
  const lab = { ...PLAIN, sensor: sensor("temperature/lab"), range: "6h" };
  const zoom = { from: Date.parse("2026-01-15T10:30:00.123Z"), to: Date.parse("2026-01-15T11:00:00.456Z") };
  const others = [sensor("humidity/lab"), sensor("temperature/oslo/rack 1/s,2&3=#ü")];
  for (const choice of [lab, { ...lab, others }, { ...lab, zoom }, { ...lab, others, zoom, table: true, range: "all" }]) {
    assert.deepEqual(choiceFrom(`?${withChoice("", choice)}`), choice);
  }
});

test("what else is in the address stays", () => {
  const search = "?device=old&metric=m&with=a/b&with=c/d&from=x&chart=table&topics=temperature%2F%23&q=oslo";
  const query = new URLSearchParams(withChoice(search, { ...PLAIN, sensor: sensor("temperature/lab") }));
  assert.deepEqual([...query], [
    ["device", "lab"], ["metric", "temperature"], ["range", "15m"], ["topics", "temperature/#"], ["q", "oslo"],
  ]);
});

test("what cannot be read is left out, and the rest is shown", () => {
  const read = (search) => choiceFrom(`?device=lab&metric=temperature&${search}`);
  const plain = { ...PLAIN, sensor: sensor("temperature/lab") };
  for (const bad of [
    "range=3y", "range=toString", "range=__proto__", "with=", "with=temperature", "with=/lab", "with=temperature/", "chart=pie",
    "from=1&to=2", "from=2026-01-15T10:30:00Z", "from=2026-01-15T10:30:00Z&to=2026-01-15T10:30:00Z", "with=temperature/lab",
    "from=2026-01-16T10:30:00Z&to=2026-01-15T10:30:00Z", "from=2026-13-15T10:30:00Z&to=2027-01-15T10:30:00Z",
  ]) assert.deepEqual(read(bad), plain, bad);
  assert.deepEqual(choiceFrom("?device=lab&with=a/b&range=1h"), { ...PLAIN, range: "1h" });
  assert.deepEqual(read("with=a/b&with=a/b&with=x&with=c/d").others, [sensor("a/b"), sensor("c/d")]);
});

test("an address brings at most seven others", () => {
  const search = Array.from({ length: 20 }, (_, n) => `with=temperature/s${n}`).join("&");
  assert.equal(choiceFrom(`?device=lab&metric=temperature&${search}`).others.length, 7);
});

test("another sensor begins alone, and keeps the range and the table", () => {
  const before = { ...PLAIN, sensor: sensor("a/1"), others: [sensor("a/2")], range: "7d", table: true };
  assert.deepEqual(changed(before, { sensor: sensor("a/3"), zoom: null }), { ...before, sensor: sensor("a/3"), others: [] });
  assert.deepEqual(changed(before, { sensor: null }).others, []);
  assert.deepEqual(changed(before, { range: "1h" }).others, [sensor("a/2")]);
  assert.deepEqual(changed(before, { sensor: sensor("a/3"), others: [sensor("a/1")] }).others, [sensor("a/1")]);
});

test("one of the others changes places with the one in front", () => {
  const choice = { ...PLAIN, sensor: sensor("a/1"), others: [sensor("a/2"), sensor("a/3")] };
  assert.deepEqual(inFront(choice, sensor("a/3")), { sensor: sensor("a/3"), others: [sensor("a/2"), sensor("a/1")] });
});

test("when the one in front is left out, the next comes to the front, and the last one stays", () => {
  const choice = { ...PLAIN, sensor: sensor("a/1"), others: [sensor("a/2"), sensor("a/3")] };
  assert.deepEqual(leftOut(choice, sensor("a/2")), { sensor: sensor("a/1"), others: [sensor("a/3")] });
  assert.deepEqual(leftOut(choice, sensor("a/1")), { sensor: sensor("a/2"), others: [sensor("a/3")] });
  assert.deepEqual(leftOut({ ...PLAIN, sensor: sensor("a/1") }, sensor("a/1")), {});
});

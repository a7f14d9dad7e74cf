import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, inFront, selectionFrom, withoutSeries, withSelection, type Selection } from "./selection";

const series = (topic: string) => ({ metric: topic.split("/")[0], device: topic.split("/").slice(1).join("/") });
const PLAIN: Selection = { series: null, others: [], range: "15m", zoom: null, table: false, earlier: null };

test("an address contains everything that the chart shows", () => {
  const lab: Selection = { ...PLAIN, series: series("temperature/lab"), range: "6h" };
  const zoom = { from: Date.parse("2026-01-15T10:30:00.123Z"), to: Date.parse("2026-01-15T11:00:00.456Z") };
  const others = [series("humidity/lab"), series("temperature/oslo/rack 1/s2&3=#ü")];
  const selections: Selection[] = [lab, { ...lab, others }, { ...lab, zoom }, { ...lab, others, zoom, table: true, range: "all" }, { ...lab, earlier: "week" }];
  for (const selection of selections) {
    assert.deepEqual(selectionFrom(`?${withSelection("", selection)}`), selection);
  }
});

test("everything else in the address stays", () => {
  const search = "?device=old&metric=m&with=a/b&with=c/d&from=x&chart=table&topics=temperature%2F%23&q=oslo";
  const query = new URLSearchParams(withSelection(search, { ...PLAIN, series: series("temperature/lab") }));
  assert.deepEqual([...query], [
    ["device", "lab"], ["metric", "temperature"], ["range", "15m"], ["topics", "temperature/#"], ["q", "oslo"],
  ]);
});

test("parts that are not understood are ignored", () => {
  const read = (search: string) => selectionFrom(`?device=lab&metric=temperature&${search}`);
  const plain = { ...PLAIN, series: series("temperature/lab") };
  for (const bad of [
    "range=3y", "range=toString", "range=__proto__", "with=", "with=temperature", "with=/lab", "with=temperature/", "chart=pie", "earlier=year", "earlier=toString",
    "from=1&to=2", "from=2026-01-15T10:30:00Z", "from=2026-01-15T10:30:00Z&to=2026-01-15T10:30:00Z", "with=temperature/lab",
    "from=2026-01-16T10:30:00Z&to=2026-01-15T10:30:00Z", "from=2026-13-15T10:30:00Z&to=2027-01-15T10:30:00Z",
  ]) assert.deepEqual(read(bad), plain, bad);
  assert.deepEqual(selectionFrom("?device=lab&with=a/b&range=1h"), { ...PLAIN, range: "1h" });
  assert.deepEqual(read("with=a/b&with=a/b&with=x&with=c/d").others, [series("a/b"), series("c/d")]);
});

test("other series are separated by commas, too", () => {
  const read = selectionFrom("?device=lab&metric=temperature&with=a/b,c/d&with=e/f,,x");
  assert.deepEqual(read.others, [series("a/b"), series("c/d"), series("e/f")]);
});

test("an address has at most seven other series", () => {
  const search = Array.from({ length: 20 }, (_, n) => `with=temperature/s${n}`).join("&");
  assert.equal(selectionFrom(`?device=lab&metric=temperature&${search}`).others.length, 7);
});

test("another series in front stands alone, and keeps the range and the table", () => {
  const before: Selection = { ...PLAIN, series: series("a/1"), others: [series("a/2")], range: "7d", table: true };
  assert.deepEqual(changed(before, { series: series("a/3"), zoom: null }), { ...before, series: series("a/3"), others: [] });
  assert.deepEqual(changed(before, { series: null }).others, []);
  assert.deepEqual(changed(before, { range: "1h" }).others, [series("a/2")]);
  assert.deepEqual(changed(before, { series: series("a/3"), others: [series("a/1")] }).others, [series("a/1")]);
});

test("a series changes places with the one in front", () => {
  const selection = { ...PLAIN, series: series("a/1"), others: [series("a/2"), series("a/3")] };
  assert.deepEqual(inFront(selection, series("a/3")), { series: series("a/3"), others: [series("a/2"), series("a/1")] });
});

test("when the series in front is removed, the next one takes its place; the last one stays", () => {
  const selection = { ...PLAIN, series: series("a/1"), others: [series("a/2"), series("a/3")] };
  assert.deepEqual(withoutSeries(selection, series("a/2")), { series: series("a/1"), others: [series("a/3")] });
  assert.deepEqual(withoutSeries(selection, series("a/1")), { series: series("a/2"), others: [series("a/3")] });
  assert.deepEqual(withoutSeries({ ...PLAIN, series: series("a/1") }, series("a/1")), {});
});

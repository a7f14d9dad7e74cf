import assert from "node:assert/strict";
import { test } from "node:test";
import { filterOfGroup, isInScope, scopeFrom } from "./scope";

test("the address contains the filters, and none means all sensors", () => {
  assert.deepEqual(scopeFrom("?topics=temperature/site-a/%23,humidity/lab"), {
    filters: ["temperature/site-a/#", "humidity/lab"],
    problem: null,
  });
  for (const search of ["", "?topics=", "?topics=%23", "?topics=a/b,%23"]) {
    assert.deepEqual(scopeFrom(search), { filters: [], problem: null }, search);
  }
});

test("a wrong filter is reported, and all sensors are shown", () => {
  for (const wrong of ["a/%23/b", "a%23", "a/b%2B", "%2B%2B/c"]) {
    const { filters, problem } = scopeFrom(`?topics=fine/%23,${wrong}`);
    assert.deepEqual(filters, []);
    assert.match(problem ?? "", /is not a filter/);
  }
  assert.match(scopeFrom(`?topics=${Array(17).fill("a/b").join()}`).problem ?? "", /17 filters are too many: 16/);
});

test("a group has all metrics of all devices below it", () => {
  const filter = filterOfGroup("site-a/rack-1")!;
  assert.equal(filter, "+/site-a/rack-1/#");
  assert.ok(isInScope([filter], "temperature/site-a/rack-1/s1"));
  assert.ok(!isInScope([filter], "temperature/site-a/rack-10/s1"));
  assert.ok(!isInScope([filter], "temperature/site-a"));
  assert.ok(isInScope([], "anything/at/all"));
  assert.equal(filterOfGroup("a,b"), null);
});

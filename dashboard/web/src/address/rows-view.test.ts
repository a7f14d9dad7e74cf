import assert from "node:assert/strict";
import { test } from "node:test";
import { fold, isClosed, PLAIN, rowsViewFrom, withRowsView, type RowsView } from "./rows-view";

test("the default list is not in the address", () => {
  assert.deepEqual(rowsViewFrom("?device=lab&metric=temperature"), PLAIN);
  assert.equal(withRowsView("?device=lab&metric=temperature", PLAIN), "?device=lab&metric=temperature");
  assert.equal(withRowsView("", PLAIN), "");
});

test("an address restores the list, and keeps the selection of the chart", () => {
  const rowsView: RowsView = {
    view: "table",
    sort: "value",
    reversed: true,
    text: "rack-1 +/lab/#",
    states: ["stale", "offline"],
    alerting: true,
    metric: "humidity",
    grouped: false,
    folds: { allClosed: false, but: ["berlin", "oslo/rack-2"] },
  };
  const search = withRowsView("?device=berlin/rack-1/a&metric=temperature", rowsView);
  assert.match(search, /^\?device=berlin\/rack-1\/a&metric=temperature&view=table&sort=-value&/);
  assert.match(search, /closed=berlin,oslo\/rack-2$/);
  assert.deepEqual(rowsViewFrom(search), rowsView);
  assert.equal(withRowsView(search, PLAIN), "?device=berlin/rack-1/a&metric=temperature");
});

test("an address can close all groups without naming them", () => {
  const closed = { ...PLAIN, folds: { allClosed: true, but: [] } };
  assert.equal(withRowsView("", closed), "?open=");
  assert.deepEqual(rowsViewFrom("?open="), closed);
});

test("wrong parts of an address are ignored", () => {
  assert.deepEqual(rowsViewFrom("?view=cube&sort=colour&state=happy&alerting=1&of="), PLAIN);
});

test("a group is opened and closed, whether all were open or closed before", () => {
  const one = fold({ allClosed: false, but: [] }, "berlin");
  assert.ok(isClosed(one, "berlin") && !isClosed(one, "oslo"));
  assert.ok(!isClosed(fold(one, "berlin"), "berlin"));
  const other = fold({ allClosed: true, but: [] }, "berlin");
  assert.ok(!isClosed(other, "berlin") && isClosed(other, "oslo"));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { alertFilterFrom, filtered, withAlertFilter } from "../address/incident-filter";
import { lasts, silenceOf } from "./silences";

const alert = (id, resolved_at = null) => ({ id, rule: "hot", device: "site/rack/s1", metric: "temperature", resolved_at });
const silence = (device, fields) => ({ device, metric: null, rule: null, until: "2026-01-15T12:00:00Z", ...fields });

test("a silence covers what its filter, metric and rule match", () => {
  const covers = (one) => silenceOf(alert("a"), [one]) !== undefined;
  assert.deepEqual(["site/rack/s1", "site/#", "#", "+/rack/+"].map((device) => covers(silence(device))), [true, true, true, true]);
  assert.deepEqual(["site/rack", "site/rack/s2", "+/rack", "Site/#"].map((device) => covers(silence(device))), [false, false, false, false]);
  assert.equal(covers(silence("#", { metric: "humidity" })), false);
  assert.equal(covers(silence("#", { metric: "temperature", rule: "hot" })), true);
  assert.equal(covers(silence("#", { rule: "cold" })), false);
});

test("of several the one that lasts longest is told, and none when it is over", () => {
  const longer = silence("site/#", { until: "2026-01-15T13:00:00Z" });
  assert.equal(silenceOf(alert("a"), [silence("#"), longer]), longer);
  assert.equal(lasts(longer, Date.parse("2026-01-15T12:59:59Z")), true);
  assert.equal(lasts(longer, Date.parse("2026-01-15T13:00:00Z")), false);
});

test("alerts are listed by whether they are open, open ones first, and what is written about stays", () => {
  const [past, open] = [alert("past", "2026-01-15T12:00:00Z"), alert("open")];
  const ids = (filter, kept = null) => filtered([past, open], filter, kept).map(({ id }) => id).join();
  assert.deepEqual([ids("all"), ids("open"), ids("past")], ["open,past", "open", "past"]);
  assert.equal(ids("open", "past"), "open,past");
});

test("the address has the filter and keeps all else as it was", () => {
  assert.deepEqual(["?alerts=open", "?alerts=x", ""].map(alertFilterFrom), ["open", "all", "all"]);
  assert.equal(withAlertFilter("?device=a/b&alerts=open", "past"), "?device=a/b&alerts=past");
  assert.equal(withAlertFilter("?alerts=open&q=%2B", "all"), "?q=%2B");
  assert.equal(withAlertFilter("?alerts=open", "all"), "");
});

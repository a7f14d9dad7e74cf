import assert from "node:assert/strict";
import { test } from "node:test";
import { csvHref } from "./client";

test("the address of a CSV file includes the last instant of its span", () => {
  const href = csvHref({ device: "oslo/rack 1", metric: "temperature" }, { from: 1000.7, to: 2000.2 });
  assert.equal(href.slice(0, 13), "api/readings?");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(href.slice(13))), {
    device: "oslo/rack 1", metric: "temperature", from: "1970-01-01T00:00:01.000Z", to: "1970-01-01T00:00:02.001Z", format: "csv",
  });
});

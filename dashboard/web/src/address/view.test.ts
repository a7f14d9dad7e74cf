import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceIn, hrefOfDevice, viewOf } from "./view";

test("the address contains the view; any other fragment belongs to the overview", () => {
  const views = ["", "overview", "completeness", "rejected", "pipeline", "audit", "chart", "toString", "devices", "devices/site-a/lab"].map(viewOf);
  assert.deepEqual(views, ["overview", "overview", "completeness", "completeness", "pipeline", "audit", "overview", "overview", "devices", "devices"]);
});

test("a link to a device names it, whatever its name contains", () => {
  for (const name of ["lab", "site-a/lab", "a b/50%/#", "grün"]) assert.equal(deviceIn(hrefOfDevice(name).slice(1)), name);
  assert.equal(hrefOfDevice("site-a/lab"), "#devices/site-a/lab");
  assert.deepEqual(["devices", "devices/", "chart", "devices/50%"].map(deviceIn), [null, null, null, "50%"]);
});

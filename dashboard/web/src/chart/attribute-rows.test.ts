import assert from "node:assert/strict";
import { test } from "node:test";
import { attributeRows } from "./attribute-rows";

const attribute = (device: string, name: string, value: string) => ({ device, name, value, since: "2026-01-15T10:30:00Z" });

test("attributes are listed by their titles, and the nearest device's come first", () => {
  const rows = attributeRows([
    attribute("lab", "mode", "auto"),
    attribute("lab", "ip_address", "192.0.2.5"),
    attribute("lab/relay-0", "mode", "heat"),
  ]);
  assert.deepEqual(rows.map(({ title, value, device }) => [title, value, device]), [
    ["IP address", "192.0.2.5", "lab"],
    ["mode", "heat", "lab/relay-0"],
  ]);
});

test("two names that differ in case are two rows", () => {
  assert.equal(attributeRows([attribute("lab", "Mode", "a"), attribute("lab", "mode", "b")]).length, 2);
});

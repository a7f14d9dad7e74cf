import assert from "node:assert/strict";
import { test } from "node:test";
import type { Boot } from "../api/client";
import { sampleBoot } from "../api/samples";
import { rangesText } from "../ui/ranges";
import { bootsLike, totalsOf, worstFirst } from "./ledger";

const boot = (device: string, number: number, missing = 0, missing_ranges: Boot["missing_ranges"] = []) =>
  sampleBoot({ device, boot: number, expected: 10 + missing, missing, missing_ranges });

const boots = [boot("b", 1), boot("a/rack-10", 1), boot("a/rack-2", 1), boot("a/rack-2", 2), boot("c", 5, 3, [[2, 4]])];

test("missing readings come first, then devices by name with their newest boot first", () => {
  const order = worstFirst(boots).map(({ device, boot }) => `${device} ${boot}`);
  assert.deepEqual(order, ["c 5", "a/rack-2 2", "a/rack-2 1", "a/rack-10 1", "b 1"]);
});

test("the filter matches parts of names, and MQTT filters", () => {
  assert.equal(bootsLike(boots, "RACK-2").length, 2);
  assert.equal(bootsLike(boots, "a/+").length, 3);
  assert.equal(bootsLike(boots, " ").length, 5);
});

test("the totals count devices, not their boots", () => {
  assert.deepEqual(totalsOf(boots), { devices: 4, boots: 5, stored: 50, missing: 3, incomplete: 1 });
});

test("gaps are listed by their numbers, and the rest is counted", () => {
  assert.equal(rangesText(boot("d", 1, 3, [[17, 18], [400, 400]]), 5), "17–18, 400");
  assert.equal(rangesText(boot("d", 1, 9, [[1, 2], [4, 4], [6, 11]]), 2), "1–2, 4, 6 more");
  assert.equal(rangesText(boot("d", 1), 2), "");
});

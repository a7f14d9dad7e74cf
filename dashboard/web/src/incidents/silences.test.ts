import assert from "node:assert/strict";
import { test } from "node:test";
import type { Silence } from "../api/client";
import { sampleIncident, sampleSilence } from "../api/samples";
import { lasts, silenceOf } from "./silences";

const incident = sampleIncident({ device: "site/rack/s1" });

test("a silence covers what its filter, metric and rule match", () => {
  const covers = (fields: Partial<Silence>) => silenceOf(incident, [sampleSilence(fields)]) !== undefined;
  assert.ok(["site/rack/s1", "site/#", "#", "+/rack/+"].every((device) => covers({ device })));
  assert.ok(!["site/rack", "site/rack/s2", "+/rack", "Site/#"].some((device) => covers({ device })));
  assert.equal(covers({ metric: "humidity" }), false);
  assert.equal(covers({ metric: "temperature", rule: "hot" }), true);
  assert.equal(covers({ rule: "cold" }), false);
});

test("of several silences the longest one is shown, until it ends", () => {
  const longer = sampleSilence({ device: "site/#", until: "2026-01-15T13:00:00Z" });
  assert.equal(silenceOf(incident, [sampleSilence(), longer]), longer);
  assert.equal(lasts(longer, Date.parse("2026-01-15T12:59:59Z")), true);
  assert.equal(lasts(longer, Date.parse("2026-01-15T13:00:00Z")), false);
});

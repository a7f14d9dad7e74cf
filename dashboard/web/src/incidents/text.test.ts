import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleIncident, sampleNotification } from "../api/samples";
import { notificationSummary, spokenText, unsentText, violationText, quietText } from "./text";

test("a value that crossed a limit is shown with the limit", () => {
  assert.equal(violationText(sampleIncident(), "celsius", 1), "26.1\u202f°C, above 25\u202f°C");
  assert.equal(violationText(sampleIncident({ kind: "stuck", condition: "the same for 10m" }), null, 1), "26.1, unchanged for 10 min");
});

test("a door is open, not 1", () => {
  const open = sampleIncident({ metric: "door", value: 1, condition: "above 0.5" });
  assert.equal(violationText(open, null, 0), "open, above 0.5");
});

test("an incident without a stored condition shows its value alone", () => {
  assert.equal(violationText(sampleIncident({ condition: "" }), "celsius", 1), "26.1\u202f°C");
  assert.equal(spokenText(sampleIncident({ condition: "" })), "hot at lab temperature");
});

test("a silent device has no value, whether it ever sent one or not", () => {
  const silent = sampleIncident({ rule: "silent", kind: "absent", condition: "absent for 2m" });
  assert.equal(violationText(silent, "celsius", 1), "silent for 2 min");
  assert.equal(violationText({ ...silent, value: null }, null, 1), "silent for 2 min");
  assert.equal(spokenText(silent), "silent at lab temperature, silent for 2 min");
});

test("a rate has a sign, and is per minute", () => {
  const rate = sampleIncident({ kind: "rate", condition: "changing by more than 2 per minute" });
  assert.equal(violationText({ ...rate, value: 2.4 }, "celsius", 1), "+2.4\u202f°C/min, changing by more than 2\u202f°C per minute");
  assert.equal(violationText({ ...rate, value: -3 }, null, 0), "−3/min, changing by more than 2 per minute");
});

test("a notification that was not sent has a reason", () => {
  assert.equal(unsentText(sampleNotification()), "not sent yet");
  assert.equal(unsentText(sampleNotification({ state: "held", why: "silenced" })), "held back: silenced");
  assert.equal(unsentText(sampleNotification({ state: "failed", problem: "no answer" })), "not sent yet: no answer");
  assert.equal(unsentText(sampleNotification({ state: "dropped", why: "acknowledged" })), "not sent: acknowledged");
});

test("notifications are counted by state, problems first", () => {
  assert.equal(notificationSummary([{ state: "sent" }, { state: "dropped" }, { state: "sent" }, { state: "failed" }]), "1 failed, 1 not sent, 2 sent");
  assert.equal(notificationSummary([{ state: "held" }, { state: "waiting" }]), "1 held back, 1 waiting");
});

test("counts of zero are left out", () => {
  assert.equal(quietText(3, 1200), "3 acknowledged · 1,200 silenced");
  assert.equal(quietText(0, 1), "1 silenced");
});

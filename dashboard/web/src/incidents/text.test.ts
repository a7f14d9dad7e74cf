import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenOf, limitOf, nameOf, toldOf, unsentOf } from "./text";

const alert = { rule: "hot", device: "lab", metric: "temperature", kind: "above", condition: "above 25", value: 26.1, unit: null };

test("a value that crossed a limit is said with the limit", () => {
  assert.equal(brokenOf(alert, "celsius", 1), "26.1\u202f°C, above 25\u202f°C");
  assert.equal(brokenOf({ ...alert, kind: "stuck", condition: "the same for 10m" }, null, 1), "26.1, the same for 10m");
});

test("an alert from before conditions were kept is its value alone", () => {
  assert.equal(brokenOf({ ...alert, condition: "" }, "celsius", 1), "26.1\u202f°C");
  assert.equal(nameOf({ ...alert, condition: "" }), "hot at lab temperature");
});

test("a device that is silent is said to be, whether it ever spoke or not", () => {
  const absent = { ...alert, rule: "silent", kind: "absent", condition: "absent for 2m" };
  assert.equal(brokenOf(absent, "celsius", 1), "absent for 2m");
  assert.equal(brokenOf({ ...absent, value: null }, null, 1), "absent for 2m");
  assert.equal(nameOf(absent), "silent at lab temperature, absent for 2m");
});

test("a rate has its direction and its minute", () => {
  const rate = { ...alert, kind: "rate", condition: "changing by more than 2 per minute" };
  assert.equal(brokenOf({ ...rate, value: 2.4 }, "celsius", 1), "+2.4\u202f°C/min, changing by more than 2\u202f°C per minute");
  assert.equal(brokenOf({ ...rate, value: -3 }, null, 0), "−3/min, changing by more than 2 per minute");
});

test("what was not sent says why", () => {
  const mail = { state: "waiting", why: null, problem: null };
  assert.equal(unsentOf(mail), "not sent yet");
  assert.equal(unsentOf({ ...mail, state: "held", why: "silenced" }), "held: silenced");
  assert.equal(unsentOf({ ...mail, state: "failed", problem: "no answer" }), "not sent yet: no answer");
  assert.equal(unsentOf({ ...mail, state: "dropped", why: "acknowledged" }), "not sent: acknowledged");
});

test("a limit has its unit where the mails have it", () => {
  const said = (kind, condition, unit = "celsius") => limitOf({ kind, condition }, unit);
  assert.equal(said("outside", "outside 15 to 25"), "outside 15 to 25\u202f°C");
  assert.equal(said("below", "below 3", "lux"), "below 3\u202flux");
  assert.equal(said("stuck", "the same for 10m"), "the same for 10m");
  assert.equal(said("absent", "absent for 2m"), "absent for 2m");
  assert.equal(said("above", "above 25", null), "above 25");
  assert.equal(said("above", ""), "");
  assert.equal(nameOf({ ...alert, unit: "celsius" }), "hot at lab temperature, above 25\u202f°C");
});

test("what became of all notices is counted, the bad ones first", () => {
  const mails = ["sent", "dropped", "sent", "failed"].map((state) => ({ state }));
  assert.equal(toldOf(mails), "1 failed, 1 not sent, 2 sent");
  assert.equal(toldOf([{ state: "held" }, { state: "waiting" }]), "1 held, 1 waiting");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDevice } from "../api/samples";
import { changesOf, credentialFrom, descriptionFrom, linesOf, saidOf } from "./description";

const form = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";
const lab = { title: "Lab", type: "bme280", location: "2nd floor", sampling_rate: "10", tags: "floor=2", note: "" };

test("a form that is sent unchanged changes nothing", () => {
  assert.deepEqual(changesOf(sampleDevice(), descriptionFrom(form(lab))), {});
});

test("only what differs is sent, and an empty field removes", () => {
  const changes = (fields: Record<string, string>) => changesOf(sampleDevice(), descriptionFrom(form({ ...lab, ...fields })));
  assert.deepEqual(changes({ location: " ", note: "behind the door" }), { location: null, note: "behind the door" });
  assert.deepEqual(changes({ sampling_rate: "0.5", tags: "" }), { sampling_rate: 0.5, tags: [] });
  assert.deepEqual(changes({ latitude: "52.52", longitude: "-13.4" }), { latitude: 52.52, longitude: -13.4 });
  assert.deepEqual(changes({ tags: "floor=2\nspare" }), { tags: ["floor=2", "spare"] });
});

test("a new device is described with what was written only", () => {
  assert.deepEqual(saidOf(descriptionFrom(form({}))), {});
  assert.deepEqual(saidOf(descriptionFrom(form({ title: "Lab", sampling_rate: "60" }))), { title: "Lab", sampling_rate: 60 });
});

test("lines are trimmed, and each counts once", () => {
  assert.deepEqual(linesOf(" a b \r\n\nc\na b\n"), ["a b", "c"]);
});

test("a credential has a right in each line, and leaves out what the device has anyway", () => {
  assert.deepEqual(credentialFrom(form({})), {});
  assert.deepEqual(credentialFrom(form({ rights: "readwrite  zigbee2mqtt/#\nread a b/+", client_id: " gate ", certificate_only: "on" })), {
    rights: ["readwrite zigbee2mqtt/#", "read a b/+"], client_id: "gate", certificate_only: true,
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { firstReading } from "./first-reading";

const REST = "-q 1 -t temperature/lab -m 23.5";
const local = { host: "127.0.0.1", port: 1883, user: null, password: false };

test("the line for a first reading has what differs from mosquitto_pub's defaults", () => {
  assert.equal(firstReading(local, "localhost"), `mosquitto_pub ${REST}`);
  assert.equal(firstReading({ ...local, port: 25884 }, "127.0.0.1"), `mosquitto_pub -p 25884 ${REST}`);
  assert.equal(firstReading({ ...local, host: null, password: true }, "pi.local"), `mosquitto_pub -h pi.local -u USER -P PASSWORD ${REST}`);
  assert.equal(firstReading({ ...local, host: null }, "[fd00::5]"), `mosquitto_pub -h fd00::5 ${REST}`);
  const cluster = { host: "iot.example.org", port: null, user: "device", password: true };
  assert.equal(firstReading(cluster, "localhost"), `mosquitto_pub -h iot.example.org -p PORT -u device -P PASSWORD ${REST}`);
});

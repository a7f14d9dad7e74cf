import assert from "node:assert/strict";
import { test } from "node:test";
import { firstReading, isLoopback, targetOf, type Reached } from "./first-reading";

const REST = "-q 1 -t temperature/lab -m 23.5";
const local = { host: "127.0.0.1", port: 1883, user: null, password: false };
const lineOf = (broker: Reached, pageHost: string) => firstReading(targetOf(broker, pageHost));

test("the line for a first reading has what differs from mosquitto_pub's defaults", () => {
  assert.equal(lineOf(local, "localhost"), `mosquitto_pub ${REST}`);
  assert.equal(lineOf({ ...local, port: 25884 }, "127.0.0.1"), `mosquitto_pub -p 25884 ${REST}`);
  assert.equal(lineOf({ ...local, host: null }, "[fd00::5]"), `mosquitto_pub -h fd00::5 ${REST}`);
  const cluster = { host: "iot.example.org", port: null, user: "device", password: true };
  assert.equal(lineOf(cluster, "localhost"), `mosquitto_pub -h iot.example.org -p PORT -u device -P PASSWORD ${REST}`);
});

test("where each device has a user of its own, the user is the device that the reading is of", () => {
  assert.equal(lineOf({ ...local, host: null, password: true }, "pi.local"), `mosquitto_pub -h pi.local -u lab -P PASSWORD ${REST}`);
});

test("addresses of this machine alone are distinguished from others", () => {
  assert.deepEqual(["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"].filter((host) => !isLoopback(host)), []);
  assert.deepEqual(["192.168.1.5", "pi.local", "localhost.example.org", "fd00::1"].filter(isLoopback), []);
});

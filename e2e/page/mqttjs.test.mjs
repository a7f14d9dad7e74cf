// MQTT.js, the client of Node-RED and of pages, over TCP and over WebSocket.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import mqtt from "mqtt";
import { startMillrace } from "./millrace.mjs";
import { dataFolder, end } from "./setup.mjs";

const dataDir = dataFolder("mqttjs");
const VERSIONS = [
  { protocolVersion: 3, protocolId: "MQIsdp" },
  { protocolVersion: 4, protocolId: "MQTT" },
  { protocolVersion: 5, protocolId: "MQTT" },
];

let millrace;

before(async () => {
  millrace = await startMillrace(dataDir, { settings: { MILLRACE__MQTT__WEBSOCKET_LISTEN: "127.0.0.1:0" } });
});
after(() => end(dataDir, { millrace }));

for (const transport of ["mqtt", "websocket"]) {
  for (const version of VERSIONS) {
    const name = `${transport}-${version.protocolVersion}`;
    // MQTT.js offers the subprotocol "mqtt" whatever it speaks.
    const connect = (options = {}) => mqtt.connectAsync(millrace[transport], { reconnectPeriod: 0, ...version, ...options });

    test(`${name}: readings at every QoS are stored, and subscribers hear them`, async () => {
      const client = await connect();
      const granted = await client.subscribeAsync(`temperature/${name}`, { qos: 2 });
      assert.equal(granted[0].qos, 2);
      const heard = [];
      client.on("message", (_, payload, packet) => heard.push(`${payload} at ${packet.qos}`));
      for (const qos of [0, 1, 2]) await client.publishAsync(`temperature/${name}`, `2${qos}`, { qos });
      while (heard.length < 3) await once(client, "message");
      assert.deepEqual(heard.sort(), ["20 at 0", "21 at 1", "22 at 2"]);
      assert.deepEqual((await stored(name)).sort(), [20, 21, 22]);
      await client.endAsync();
    });

    test(`${name}: messages wait for a client that is away`, async () => {
      const session = { clientId: name, clean: false, properties: { sessionExpiryInterval: 600 } };
      if (version.protocolVersion !== 5) delete session.properties;
      const before = await connect(session);
      await before.subscribeAsync(`status/${name}`, { qos: 1 });
      await before.endAsync();
      const publisher = await connect();
      for (const payload of ["one", "two"]) await publisher.publishAsync(`status/${name}`, payload, { qos: 1 });
      const heard = [];
      const back = mqtt.connect(millrace[transport], { reconnectPeriod: 0, ...version, ...session });
      back.on("message", (_, payload) => heard.push(`${payload}`));
      const [connack] = await once(back, "connect");
      assert.equal(connack.sessionPresent, version.protocolVersion !== 3);
      while (heard.length < 2) await once(back, "message");
      assert.deepEqual(heard, ["one", "two"]);
      await Promise.all([back.endAsync(), publisher.endAsync()]);
    });

    test(`${name}: a will is published, and a retained message greets`, async () => {
      const watcher = await connect();
      await watcher.subscribeAsync(`status/${name}/#`, { qos: 1 });
      const will = { topic: `status/${name}/will`, payload: "gone", qos: 1, retain: true };
      const device = await connect({ will });
      const gone = once(watcher, "message");
      device.stream.destroy();
      const [topic, payload] = await gone;
      assert.equal(`${topic} ${payload}`, `status/${name}/will gone`);
      const late = await connect();
      const greeted = once(late, "message");
      await late.subscribeAsync(`status/${name}/will`);
      assert.equal((await greeted)[2].retain, true);
      await Promise.all([watcher.endAsync(), late.endAsync()]);
    });
  }
}

async function stored(device) {
  const answer = await fetch(`${millrace.http}/api/readings?device=${device}`);
  return (await answer.json()).readings.map((reading) => reading.value);
}

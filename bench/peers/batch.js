// A multi-row INSERT for up to 1,000 messages or 100 ms, whichever comes first.

const mqtt = require("mqtt");
const pg = require("pg");

const BATCH = 1000;
const EVERY_MS = 100;

const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
let rows = [];
let written = Promise.resolve();

function insert(rows) {
  const places = rows.map((row, r) => `(${row.map((_, c) => `$${r * row.length + c + 1}`).join(",")})`);
  const columns = "time, device, metric, value, unit, boot, seq";
  return database.query(`INSERT INTO readings (${columns}) VALUES ${places.join(",")}`, rows.flat());
}

function flush() {
  if (rows.length === 0) return;
  const batch = rows;
  rows = [];
  written = written.then(() => insert(batch));
}

function onMessage(topic, payload) {
  const [metric, ...levels] = topic.split("/");
  const said = JSON.parse(payload);
  rows.push([said.measured_at, levels.join("/"), metric, said.value, said.unit, said.boot, said.seq]);
  if (rows.length >= BATCH) flush();
}

async function main() {
  await database.connect();
  const client = mqtt.connect({
    host: process.env.MQTT_HOST,
    port: Number(process.env.MQTT_PORT),
    username: process.env.MQTT_USER,
    password: process.env.MQTT_PASSWORD,
    clientId: process.env.MQTT_CLIENT,
    clean: false,
  });
  client.on("message", onMessage);
  client.on("connect", () => client.subscribe("temperature/#", { qos: 1 }));
  setInterval(flush, EVERY_MS);
}

main();

// Node-RED without its editor: mqtt in → join (1,000 messages or 100 ms) → function → PostgreSQL.

const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const RED = require("node-red");

const database = new URL(process.env.DATABASE_URL);
const rows = `
const place = (row, r) => "(" + row.map((_, c) => "$" + (r * row.length + c + 1)).join(",") + ")";
const read = (m) => [m.payload.measured_at, m.topic.slice(m.topic.indexOf("/") + 1), m.topic.split("/")[0],
    m.payload.value, m.payload.unit, m.payload.boot, m.payload.seq];
const rows = msg.payload.map(read);
return { query: "INSERT INTO readings (time, device, metric, value, unit, boot, seq) VALUES " + rows.map(place).join(","),
    params: rows.flat() };`;

const flow = [
  { id: "flow", type: "tab", label: "readings" },
  {
    id: "broker", type: "mqtt-broker", broker: process.env.MQTT_HOST, port: process.env.MQTT_PORT,
    clientid: process.env.MQTT_CLIENT, autoConnect: true, protocolVersion: "4", keepalive: "60", cleansession: false,
  },
  {
    id: "in", type: "mqtt in", z: "flow", x: 0, y: 0, topic: "temperature/#", qos: "1", datatype: "json", broker: "broker",
    wires: [["join"]],
  },
  {
    id: "join", type: "join", z: "flow", x: 0, y: 0, mode: "custom", build: "array", property: "", propertyType: "full",
    count: "1000", timeout: "0.1", accumulate: false, wires: [["rows"]],
  },
  { id: "rows", type: "function", z: "flow", x: 0, y: 0, func: rows, outputs: 1, wires: [["insert"]] },
  {
    id: "database", type: "postgresDB", host: database.hostname, port: database.port, max: "4", min: "1",
    database: database.pathname.slice(1), user: database.username, password: decodeURIComponent(database.password),
    ssl: "false", sslFieldType: "bool", portFieldType: "num", maxFieldType: "num", minFieldType: "num",
  },
  { id: "insert", type: "postgrestor", z: "flow", x: 0, y: 0, query: "{{{msg.query}}}", postgresDB: "database", wires: [[]] },
];
const credentials = { broker: { user: process.env.MQTT_USER, password: process.env.MQTT_PASSWORD } };

const userDir = fs.mkdtempSync(path.join(os.tmpdir(), "millrace-nodered-"));
fs.writeFileSync(path.join(userDir, "flows.json"), JSON.stringify(flow));
fs.writeFileSync(path.join(userDir, "flows_cred.json"), JSON.stringify(credentials));
process.on("SIGTERM", () => {
  fs.rmSync(userDir, { recursive: true, force: true });
  process.exit(0);
});
RED.init(http.createServer(), {
  userDir, flowFile: "flows.json", credentialSecret: false, httpAdminRoot: false, httpNodeRoot: false,
});
RED.start();

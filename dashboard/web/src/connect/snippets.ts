// What connects common devices: a line to type, or what to write into their configuration. docs/devices.md has the same.

import { firstReading, type Target } from "./first-reading";

export interface Snippet {
  name: string;
  /** Where the code belongs, in one sentence. */
  place: string;
  /** As Markdown names the language of the code. */
  language: string;
  code: string;
  /** Where there is a password file: the command that adds a user who may do what this needs. */
  passwd: string;
}

/** All snippets, the quickest first. */
export function snippetsFor(target: Target): Snippet[] {
  return [mosquitto(target), python(target), micropython(target), arduino(target), ...gateways(target)];
}

function gateways(target: Target): Snippet[] {
  return [esphome, tasmota, shelly, zigbee2mqtt, chirpstack].map((snippet) => snippet(target));
}

/** A user may publish for the device of its name, and what is listed here as options with MQTT filters. */
function passwd({ device }: Target, ...options: [("read" | "write" | "readwrite"), string][]): string {
  return ["millrace passwd", device, ...options.map(([option, filter]) => `--${option} '${filter}'`)].join(" ");
}

function mosquitto(target: Target): Snippet {
  return {
    name: "mosquitto_pub",
    place: "In a terminal. mosquitto_pub is part of the package mosquitto-clients.",
    language: "sh",
    code: firstReading(target),
    passwd: passwd(target),
  };
}

const READING = '{"value": 23.5, "unit": "celsius"}';

function python(target: Target): Snippet {
  const { host, port, user, device } = target;
  return {
    name: "Python",
    place: "A program with paho-mqtt, which pip install paho-mqtt installs.",
    language: "python",
    code: lines(
      "import json",
      "import paho.mqtt.publish as publish",
      "",
      "publish.single(",
      `    "temperature/${device}",`,
      `    json.dumps(${READING}),`,
      "    qos=1,",
      `    hostname="${host}",`,
      `    port=${port},`,
      ...(user === null ? [] : [`    auth={"username": "${user}", "password": "PASSWORD"},`]),
      ")",
    ),
    passwd: passwd(target),
  };
}

function micropython(target: Target): Snippet {
  const { host, port, user, device } = target;
  const auth = user === null ? "" : `, user="${user}", password="PASSWORD"`;
  return {
    name: "MicroPython",
    place: "A program on a board that is in the network already. mip.install(\"umqtt.simple\") installs its library.",
    language: "python",
    code: lines(
      "import json",
      "from umqtt.simple import MQTTClient",
      "",
      `client = MQTTClient("${device}", "${host}", port=${port}${auth})`,
      "client.connect()",
      `client.publish(b"temperature/${device}", json.dumps(${READING}), qos=1)`,
      "client.disconnect()",
    ),
    passwd: passwd(target),
  };
}

function arduino(target: Target): Snippet {
  const { host, port, user, device } = target;
  const auth = user === null ? "" : `, "${user}", "PASSWORD"`;
  return {
    name: "Arduino",
    place: "A sketch for an ESP32 with the library PubSubClient. WIFI and WIFI-PASSWORD are those of your network.",
    language: "cpp",
    code: lines(
      "#include <WiFi.h>",
      "#include <PubSubClient.h>",
      "",
      "WiFiClient network;",
      "PubSubClient mqtt(network);",
      "",
      "void setup() {",
      '  WiFi.begin("WIFI", "WIFI-PASSWORD");',
      `  mqtt.setServer("${host}", ${port});`,
      "}",
      "",
      "void loop() {",
      `  if (mqtt.connected() || mqtt.connect("${device}"${auth})) {`,
      `    mqtt.publish("temperature/${device}", "${READING.replaceAll('"', '\\"')}");`,
      "    mqtt.loop();",
      "  }",
      "  delay(5000);",
      "}",
    ),
    passwd: passwd(target),
  };
}

function esphome(target: Target): Snippet {
  const { host, port, user, device } = target;
  return {
    name: "ESPHome",
    place: "In the device’s YAML file.",
    language: "yaml",
    code: lines(
      "mqtt:",
      `  broker: ${host}`,
      `  port: ${port}`,
      ...(user === null ? [] : [`  username: ${user}`, "  password: PASSWORD"]),
      `  topic_prefix: ${device}`,
    ),
    passwd: passwd(target, ["readwrite", `${device}/#`], ["readwrite", "homeassistant/#"], ["readwrite", "esphome/#"]),
  };
}

function tasmota(target: Target): Snippet {
  const { host, port, user, device } = target;
  const auth = user === null ? "" : `MqttUser ${user}; MqttPassword PASSWORD; `;
  return {
    name: "Tasmota",
    place: "In the device’s console.",
    language: "sh",
    code: `Backlog MqttHost ${host}; MqttPort ${port}; ${auth}Topic ${device}`,
    passwd: passwd(target, ["write", "tasmota/discovery/#"], ["read", "cmnd/#"]),
  };
}

function shelly(target: Target): Snippet {
  const { host, port, user, device } = target;
  return {
    name: "Shelly",
    place: "In a terminal, for the second generation and later; SHELLY is the device’s address. The first generation has the same fields under Internet & Security, Advanced.",
    language: "sh",
    code: lines(
      `curl http://SHELLY/rpc -d '{"id": 1, "method": "MQTT.SetConfig", "params": {"config": {`,
      `  "enable": true, "server": "${bracketed(host)}:${port}", "topic_prefix": "${device}",`,
      ...(user === null ? [] : [`  "user": "${user}", "pass": "PASSWORD",`]),
      `  "rpc_ntf": true, "status_ntf": true}}}'`,
      "curl http://SHELLY/rpc/Shelly.Reboot",
    ),
    passwd: passwd(target, ["readwrite", `${device}/#`], ["readwrite", "shellies/#"], ["write", "+/rpc"]),
  };
}

function zigbee2mqtt(target: Target): Snippet {
  const { host, port, user } = target;
  return {
    name: "Zigbee2MQTT",
    place: "In configuration.yaml.",
    language: "yaml",
    code: lines(
      "mqtt:",
      `  server: mqtt://${bracketed(host)}:${port}`,
      ...(user === null ? [] : [`  user: ${user}`, "  password: PASSWORD"]),
      "advanced:",
      "  last_seen: ISO_8601",
    ),
    passwd: passwd(target, ["readwrite", "zigbee2mqtt/#"], ["readwrite", "homeassistant/#"]),
  };
}

function chirpstack(target: Target): Snippet {
  const { host, port, user } = target;
  return {
    name: "ChirpStack",
    place: "In chirpstack.toml.",
    language: "toml",
    code: lines(
      "[integration]",
      'enabled = ["mqtt"]',
      "",
      "[integration.mqtt]",
      `server = "tcp://${bracketed(host)}:${port}/"`,
      ...(user === null ? [] : [`username = "${user}"`, 'password = "PASSWORD"']),
      "json = true",
    ),
    passwd: passwd(target, ["readwrite", "application/#"]),
  };
}

/** An IPv6 address as it is written before a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function lines(...all: string[]): string {
  return all.join("\n");
}

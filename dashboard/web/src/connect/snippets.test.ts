import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Target } from "./first-reading";
import { snippetsFor } from "./snippets";

// npm runs the tests in the folder of package.json.
const DOCUMENT = "../../docs/devices.md";

const place: Target = { host: "HOST", port: "1883", user: null, device: "lab" };
const codeOf = (name: string, target: Target) => snippetsFor(target).find((snippet) => snippet.name === name)!.code;

test("the documentation has each snippet with a user, as the page shows it", () => {
  const document = readFileSync(DOCUMENT, "utf8");
  for (const { name, language, code, passwd } of snippetsFor({ ...place, user: "lab" })) {
    assert.ok(document.includes(`\n### ${name}\n`), `${DOCUMENT} has no heading ${name}`);
    assert.ok(document.includes(`\n${passwd}\n`), `${DOCUMENT} lacks this for ${name}:\n${passwd}`);
    assert.ok(document.includes(`\`\`\`${language}\n${code}\n\`\`\``), `${DOCUMENT} lacks this for ${name}:\n${code}`);
  }
});

test("without a password no snippet asks for a user", () => {
  for (const { name, code } of snippetsFor(place)) assert.doesNotMatch(code, /PASSWORD(?!")|user/i, `${name}:\n${code}`);
});

test("an IPv6 address stands in brackets before a port", () => {
  const six = { ...place, host: "fd00::5" };
  assert.match(codeOf("Zigbee2MQTT", six), /mqtt:\/\/\[fd00::5\]:1883/);
  assert.match(codeOf("Shelly", six), /"server": "\[fd00::5\]:1883"/);
  assert.match(codeOf("ChirpStack", six), /tcp:\/\/\[fd00::5\]:1883\//);
  assert.match(codeOf("Python", six), /hostname="fd00::5"/);
});

test("whatever publishes in Millrace's own form publishes for the device that its user is named after", () => {
  const own = snippetsFor({ ...place, user: "lamp", device: "lamp" }).filter(({ passwd }) => passwd === "millrace passwd lamp");
  assert.equal(own.length, 4);
  for (const { code } of own) assert.match(code, /temperature\/lamp/);
});

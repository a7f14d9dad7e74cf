import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command, Twin } from "../api/commands";
import { commandFrom, isOpen, stateFrom, stateText, twinText } from "./command-form";

const field = (fields: Record<string, string>) => (name: string) => fields[name] ?? "";

test("a command is what the form says, and no more", () => {
  assert.deepEqual(commandFrom("lab", field({ command: " reboot " })), { device: "lab", command: "reboot" });
  const full = commandFrom("lab", field({ command: "set-interval", args: '{"seconds": 10}', expires_in: "10m" }));
  assert.deepEqual(full, { device: "lab", command: "set-interval", args: { seconds: 10 }, expires_in: "10m" });
  assert.throws(() => commandFrom("lab", field({ command: "x", args: "{seconds" })), /must be JSON/);
});

test("of a command that the type knows, the arguments are fields", () => {
  const known = [{ name: "blink", args: { type: "object", properties: { times: { type: "integer" } } } }, { name: "raw" }];
  assert.deepEqual(commandFrom("lab", field({ known: "blink", "arg:times": "3" }), known), { device: "lab", command: "blink", args: { times: 3 } });
  assert.deepEqual(commandFrom("lab", field({ known: "raw", args: "[1]" }), known), { device: "lab", command: "raw", args: [1] });
  assert.deepEqual(commandFrom("lab", field({ known: "", command: "other" }), known), { device: "lab", command: "other" });
});

test("a state is a JSON object", () => {
  assert.deepEqual(stateFrom('{"interval": 10}'), { interval: 10 });
  for (const wrong of ["", "[]", "1", "null", "{"]) assert.throws(() => stateFrom(wrong));
});

test("the words say only what is known", () => {
  const command = (changes: Partial<Command>) => ({ state: "queued", reason: null, sent_count: 0, ...changes }) as Command;
  assert.equal(stateText(command({})), "queued: nobody has taken it yet");
  assert.equal(stateText(command({ state: "sent", sent_count: 1 })), "sent, not answered yet");
  assert.equal(stateText(command({ state: "sent", sent_count: 3 })), "sent 3 times, not answered yet");
  assert.equal(stateText(command({ state: "done" })), "done");
  assert.equal(stateText(command({ state: "failed", reason: "no power" })), "failed: no power");
  assert.ok(isOpen(command({ state: "accepted" })) && !isOpen(command({ state: "expired" })));
});

test("where a device differs is named", () => {
  const twin = (changes: Partial<Twin>) => ({ desired: {}, reported: {}, in_sync: true, differs: [], ...changes }) as Twin;
  assert.equal(twinText(twin({ desired: null })), "Nobody says what it should be.");
  assert.equal(twinText(twin({ reported: null, in_sync: false })), "It has not said yet what it is.");
  assert.equal(twinText(twin({})), "It is as it should be.");
  assert.equal(twinText(twin({ in_sync: false, differs: ["/a", "/b/c"] })), "It differs at /a, /b/c.");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { changes } from "./rejected";

const before = { id: "1", received_at: "", topic: "temperature/lab", reason: "", payload: "a\r\nb\ufffd" };

test("only what was changed is sent: bytes that no text can show stay as they are", () => {
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "a\nb\ufffd" }), {});
  assert.deepEqual(changes(before, { topic: "humidity/lab", payload: "a\nb\ufffd" }), { topic: "humidity/lab" });
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "" }), { payload: "" });
});

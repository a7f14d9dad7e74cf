import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rejected } from "../api/client";
import { changes } from "./rejected";

const before: Rejected = { id: "1", received_at: "", topic: "temperature/lab", reason: "", payload: "a\r\nb\ufffd", payload_bytes: 5, stored_bytes: 5, resent_at: null };

test("only what was edited is sent, so that binary data stays as it is", () => {
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "a\nb\ufffd" }), {});
  assert.deepEqual(changes(before, { topic: "humidity/lab", payload: "a\nb\ufffd" }), { topic: "humidity/lab" });
  assert.deepEqual(changes(before, { topic: "temperature/lab", payload: "" }), { payload: "" });
});

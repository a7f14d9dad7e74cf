import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { get, onUnauthorized, Refusal, secondsFrom } from "./request";

const realFetch = globalThis.fetch;
afterEach(() => void (globalThis.fetch = realFetch));

const answer = (status: number, body: string, headers = {}) => void (globalThis.fetch = async () => new Response(body, { status, headers }));

test("a refusal has the server's reason, its status and when to try again", async () => {
  answer(429, '{"error": "too many tries"}', { "retry-after": "12" });
  const refusal = await get("api/me").then(() => assert.fail(), (error: Refusal) => error);
  assert.deepEqual([refusal.message, refusal.status, refusal.retryAfterSeconds], ["too many tries", 429, 12]);
  answer(502, "<html>");
  await assert.rejects(get("api/me"), new Refusal("the server answered 502", 502, null));
});

test("only 401 asks for a login", async () => {
  let asked = 0;
  onUnauthorized(() => asked++);
  for (const status of [400, 403, 404, 429, 500]) {
    answer(status, '{"error": "no"}');
    await assert.rejects(get("api/series"));
  }
  assert.equal(asked, 0);
  answer(401, '{"error": "log in"}');
  await assert.rejects(get("api/series"), /log in/);
  assert.equal(asked, 1);
});

test("a time to try again is a number of seconds, and nothing else", () => {
  assert.deepEqual(["7", "0", null, "", "-1", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"].map(secondsFrom), [7, 0, null, null, null, null, null]);
});

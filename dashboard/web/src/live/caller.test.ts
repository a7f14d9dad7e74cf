import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { replyLink } from "../address/state";
import { sampleMe } from "../api/samples";
import { askToLogIn, caller, identify, logIn, logOut, loginName, loginNote, may, mustLogIn, onceKnown, replyName, seesTheSame } from "./caller";

let reloads = 0;
globalThis.location = { reload: () => reloads++, search: "", hash: "" } as unknown as Location;

const answers = (...list: [status: number, body: object][]) => {
  globalThis.fetch = async () => {
    const [status, body] = list.shift() ?? assert.fail("one request too many");
    return new Response(JSON.stringify(body), { status });
  };
};

beforeEach(() => {
  reloads = 0;
  [caller.value, mustLogIn.value, loginNote.value] = [null, false, ""];
});

test("nothing is started before the caller is known, and a link of a mail waits for the login", async () => {
  const link = { kind: "silence", incident: "hot/temperature/lab/1" } as const;
  replyLink.value = link;
  let starts = 0;
  onceKnown(() => starts++);
  answers([401, { error: "log in" }], [401, { error: "wrong name or password" }], [200, sampleMe()]);
  await identify();
  assert.deepEqual([mustLogIn.value, starts, loginNote.value], [true, 0, ""]);
  await assert.rejects(logIn("ann", "wrong"), /wrong name or password/);
  assert.equal(starts, 0);
  await logIn("ann", "right");
  assert.deepEqual([mustLogIn.value, starts, reloads], [false, 1, 0]);
  assert.equal(replyLink.value, link);
});

test("the server is asked again until it says who the caller is", async () => {
  answers([503, { error: "the store is unavailable" }], [200, sampleMe({ username: "ben" })]);
  await identify();
  assert.equal(caller.value?.username, "ben");
});

test("after the session has ended, the same user goes on", async () => {
  caller.value = sampleMe();
  askToLogIn();
  assert.match(loginNote.value, /session has ended/);
  answers([200, sampleMe()]);
  await logIn("ann", "right");
  assert.deepEqual([mustLogIn.value, reloads], [false, 0]);
});

test("the first user is named, even where the connection was closed before the server's answer came", async () => {
  caller.value = sampleMe({ username: null, open: true, via: "open" });
  askToLogIn();
  assert.deepEqual([loginNote.value, loginName.value], ["Millrace has users now: log in to go on.", ""]);
  askToLogIn("Millrace has users now: log in as ann.", "ann");
  askToLogIn();
  assert.deepEqual([loginNote.value, loginName.value], ["Millrace has users now: log in as ann.", "ann"]);
});

test("another user, or one with other rights, does not see what the page holds", async () => {
  for (const next of [sampleMe({ username: "ben" }), sampleMe({ filters: ["site-a/#"] }), sampleMe({ role: "viewer", actions: ["read"] })]) {
    caller.value = sampleMe();
    askToLogIn();
    reloads = 0;
    answers([200, next]);
    await logIn("ann", "right");
    assert.deepEqual([reloads, mustLogIn.value], [1, true]);
    mustLogIn.value = false;
  }
  assert.equal(seesTheSame(sampleMe({ username: null }), sampleMe({ username: null })), false);
});

test("what the server does not list is not offered, whatever the role", () => {
  assert.equal(may("silence"), false);
  caller.value = sampleMe({ role: "admin", actions: ["read", "silence"] });
  assert.deepEqual([may("silence"), may("acknowledge")], [true, false]);
});

test("a user replies under their own name, and while Millrace is open the page asks for one", () => {
  caller.value = sampleMe();
  assert.equal(replyName(), "ann");
  caller.value = sampleMe({ username: null, open: true, via: "open" });
  assert.equal(replyName(), null);
});

test("who logs out does not see that the session has ended, and may try again where it could not be", async () => {
  caller.value = sampleMe();
  answers([503, { error: "the store is unavailable" }], [200, {}]);
  await assert.rejects(logOut(), /unavailable/);
  const leaving = logOut();
  askToLogIn();
  await leaving;
  assert.deepEqual([mustLogIn.value, reloads], [false, 1]);
});

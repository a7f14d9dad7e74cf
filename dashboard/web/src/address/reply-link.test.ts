import assert from "node:assert/strict";
import { test } from "node:test";
import { replyLinkFrom, withoutReplyLink } from "./reply-link";

test("a link names the form and the incident", () => {
  assert.deepEqual(replyLinkFrom("?acknowledge=hot/temperature/lab/1"), { kind: "acknowledge", incident: "hot/temperature/lab/1" });
  assert.deepEqual(replyLinkFrom("?device=lab&metric=t&silence=hot%2Ft%2Flab%2F1"), { kind: "silence", incident: "hot/t/lab/1" });
  assert.equal(replyLinkFrom("?acknowledge=&q=silence"), null);
});

test("the rest of the address stays when the form is closed", () => {
  assert.equal(withoutReplyLink("?device=a/b&acknowledge=x/1&topics=%2B/a/%23"), "?device=a/b&topics=%2B/a/%23");
  assert.equal(withoutReplyLink("?silence=x"), "");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { beginningAt } from "./provider";

test("a login at the identity provider returns to what the address shows", () => {
  const method = { name: "Example", url: "https://millrace.example.org/api/session/oidc" };
  assert.equal(beginningAt(method, { search: "", hash: "#users" }), `${method.url}?return_to=%2F%23users`);
  assert.equal(beginningAt(method, { search: "?a=b&c", hash: "" }), `${method.url}?return_to=%2F%3Fa%3Db%26c`);
});

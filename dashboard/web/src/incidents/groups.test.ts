import assert from "node:assert/strict";
import { test } from "node:test";
import { queryOf } from "./groups";

test("the scope of a page is asked for as metric and devices", () => {
  assert.deepEqual(queryOf([]), {});
  assert.deepEqual(queryOf(["#"]), {});
  assert.deepEqual(queryOf(["+/site-a/#"]), { device: "site-a/#" });
  assert.deepEqual(queryOf(["temperature/#"]), { metric: "temperature" });
  assert.deepEqual(queryOf(["temperature/lab"]), { metric: "temperature", device: "lab" });
  assert.equal(queryOf(["temperature/a", "temperature/b"]), null);
});

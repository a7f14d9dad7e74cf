import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleAuditRecord } from "../api/samples";
import { auditQuery, isFiltered, keepLoaded, loadNext, next, NO_FILTER, problem, records } from "./audit-list";

test("the server is asked only for what is filtered", () => {
  assert.deepEqual(auditQuery(NO_FILTER, null), { limit: "50" });
  assert.deepEqual(auditQuery({ ...NO_FILTER, actor: " ann ", target: " ", outcome: "refused" }, "c1"), { actor: "ann", outcome: "refused", after: "c1", limit: "50" });
});

test("blanks alone filter nothing", () => {
  assert.equal(isFiltered({ ...NO_FILTER, actor: " " }), false);
  assert.equal(isFiltered({ ...NO_FILTER, outcome: "done" }), true);
});

test("the next page follows the records that are listed, and a failure keeps them", { timeout: 10_000 }, async () => {
  globalThis.window = globalThis as unknown as Window & typeof globalThis;
  const asked: string[] = [];
  const pages = [
    { audit: [sampleAuditRecord({ number: 3 }), sampleAuditRecord({ number: 2 })], next: "2" },
    { audit: [sampleAuditRecord({ number: 1 })], next: null },
  ];
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    const page = pages.shift();
    return page ? Response.json(page) : Response.json({ error: "the store is unavailable" }, { status: 503 });
  };
  const stop = keepLoaded();
  while (records.value === null) await new Promise((resume) => setTimeout(resume, 1));
  assert.equal(next.value, "2");
  await loadNext();
  assert.deepEqual(asked, ["api/audit?limit=50", "api/audit?after=2&limit=50"]);
  assert.deepEqual([records.value.map(({ number }) => number), next.value, problem.value], [[3, 2, 1], null, ""]);
  await loadNext();
  assert.deepEqual([records.value.length, problem.value], [3, "the store is unavailable"]);
  stop();
});

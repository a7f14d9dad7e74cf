import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, problemsOf, stationsOf } from "./stages";

const stage = (id, state = "ok", problem = null) => ({ id, name: id, state, problem, parts: [] });
const shape = (stages) => stationsOf(stages).map(({ stage, branches }) => [stage.id, ...branches.map(({ id }) => id)].join("+"));

test("pages are fed from the broker, and the alerter from its queue", () => {
  const cluster = ["devices", "broker", "queue", "writer", "store", "alerter", "page"].map((id) => stage(id));
  assert.deepEqual(shape(cluster), ["devices", "broker+page", "queue+alerter", "writer", "store"]);
});

test("without a queue the broker feeds both", () => {
  const edge = ["devices", "broker", "writer", "store", "alerter", "page"].map((id) => stage(id));
  assert.deepEqual(shape(edge), ["devices", "broker+alerter+page", "writer", "store"]);
});

test("a stage that is new to this page is drawn where it stands", () => {
  assert.deepEqual(shape([stage("devices"), stage("bridge"), stage("page")]), ["devices", "bridge", "page"]);
});

test("what is down comes before what is to be looked at", () => {
  const stages = [stage("broker", "warning", "1 of 3 nodes is down"), stage("store", "down"), stage("page", "unknown")];
  assert.deepEqual(problemsOf(stages), ["store", "broker: 1 of 3 nodes is down"]);
});

test("a single part is drawn only when it says more than its stage", () => {
  const part = (name, problem = null) => ({ name, problem });
  const drawn = (problem, ...parts) => partsOf({ ...stage("writer", "ok", problem), parts }).map(({ name }) => name);
  assert.deepEqual(drawn(null, part("db-writer")), []);
  assert.deepEqual(drawn("it waits", part("db-writer", "it waits")), []);
  assert.deepEqual(drawn("1 of 1 is down", part("db-writer", "does not answer")), ["db-writer"]);
  assert.deepEqual(drawn(null, part("a"), part("b")), ["a", "b"]);
});

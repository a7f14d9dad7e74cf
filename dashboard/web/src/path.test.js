import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, stationsOf } from "./path.ts";

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

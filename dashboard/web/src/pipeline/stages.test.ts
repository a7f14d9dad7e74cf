import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stage, StageState } from "../api/client";
import { samplePart, sampleStage } from "../api/samples";
import { partsOf, problemsOf, stationsOf } from "./stages";

const stage = (id: string, state: StageState = "ok", problem: string | null = null) => sampleStage({ id, name: id, state, problem });
const shape = (stages: Stage[]) => stationsOf(stages).map(({ stage, branches }) => [stage.id, ...branches.map(({ id }) => id)].join("+"));

test("the page branches off the broker, and the alerter off its queue", () => {
  const cluster = ["devices", "broker", "queue", "writer", "store", "alerter", "page"].map((id) => stage(id));
  assert.deepEqual(shape(cluster), ["devices", "broker+page", "queue+alerter", "writer", "store"]);
});

test("without a queue both branch off the broker", () => {
  const edge = ["devices", "broker", "writer", "store", "alerter", "page"].map((id) => stage(id));
  assert.deepEqual(shape(edge), ["devices", "broker+alerter+page", "writer", "store"]);
});

test("a stage that this page does not know keeps its place", () => {
  assert.deepEqual(shape([stage("devices"), stage("bridge"), stage("page")]), ["devices", "bridge", "page"]);
});

test("stages that are down come before warnings", () => {
  const stages = [stage("broker", "warning", "1 of 3 nodes is down"), stage("store", "down"), stage("page", "unknown")];
  assert.deepEqual(problemsOf(stages), ["store", "broker: 1 of 3 nodes is down"]);
});

test("a single part is drawn only if it has another problem than its stage", () => {
  const part = (name: string, problem: string | null = null) => samplePart({ name, problem });
  const drawn = (problem: string | null, ...parts: Stage["parts"]) => partsOf({ ...stage("writer", "ok", problem), parts }).map(({ name }) => name);
  assert.deepEqual(drawn(null, part("db-writer")), []);
  assert.deepEqual(drawn("it waits", part("db-writer", "it waits")), []);
  assert.deepEqual(drawn("1 of 1 is down", part("db-writer", "does not answer")), ["db-writer"]);
  assert.deepEqual(drawn(null, part("a"), part("b")), ["a", "b"]);
});

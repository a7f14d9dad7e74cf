// The stages that readings pass through, as the server reports them.

import type { Part, Stage } from "../api/client";

/** A stage that all readings pass, with those that branch off there. */
export interface Station {
  stage: Stage;
  branches: Stage[];
}

/** Where each branch begins: at the first of these stages that exists. */
const FED_FROM: Record<string, string[]> = { alerter: ["queue", "broker"], page: ["broker"] };

/** Stages keep their order; a stage that this page does not know is no branch. */
export function stationsOf(stages: Stage[]): Station[] {
  const stations = stages.filter(({ id }) => !(id in FED_FROM)).map((stage): Station => ({ stage, branches: [] }));
  for (const branch of stages.filter(({ id }) => id in FED_FROM)) {
    const from = FED_FROM[branch.id]!.map((id) => stations.find(({ stage }) => stage.id === id)).find(Boolean);
    if (from) from.branches.push(branch);
    else stations.push({ stage: branch, branches: [] });
  }
  return stations;
}

/** The parts that get a line of their own: a single part repeats its stage, unless it has another problem. */
export function partsOf({ parts, problem }: Stage): Part[] {
  const [only] = parts;
  const isEcho = parts.length === 1 && (only!.problem === null || only!.problem === problem);
  return isEcho ? [] : parts;
}

/** The stages with a problem, those that are down first. */
export function problemsOf(stages: Stage[]): string[] {
  const bad = stages.filter(({ state }) => state === "down" || state === "warning");
  return bad.sort((a, b) => Number(b.state === "down") - Number(a.state === "down")).map(({ name, problem }) => (problem ? `${name}: ${problem}` : name));
}

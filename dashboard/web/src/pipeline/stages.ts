// The way of the readings through Millrace, as the server tells it.

import { get } from "../api/client";

export type StageState = "ok" | "warning" | "down" | "unknown";

/** A node, a queue or an instance; or a stage without its parts. */
export interface Part {
  name: string;
  state: StageState;
  /** Messages or readings a second. */
  rate: number | null;
  /** Messages that wait there. */
  depth: number | null;
  /** Seconds. */
  behind: number | null;
  says: string[];
  problem: string | null;
}

export interface Stage extends Part {
  id: string;
  parts: Part[];
}

/** A stage of the way that all readings go, with those that are fed from it. */
export interface Station {
  stage: Stage;
  branches: Stage[];
}

export interface Answer {
  at: string;
  stages: Stage[];
}

export async function fetchPipeline(abort: AbortSignal): Promise<Answer> {
  return get<Answer>("api/pipeline", abort);
}

/** What each branch is fed from: the first of these that there is. */
const FED_FROM: Record<string, string[]> = { alerter: ["queue", "broker"], page: ["broker"] };

/** Stages keep their order; one that is not known stands in the way where it was told. */
export function stationsOf(stages: Stage[]): Station[] {
  const stations = stages.filter(({ id }) => !(id in FED_FROM)).map((stage): Station => ({ stage, branches: [] }));
  for (const branch of stages.filter(({ id }) => id in FED_FROM)) {
    const from = FED_FROM[branch.id]!.map((id) => stations.find(({ stage }) => stage.id === id)).find(Boolean);
    if (from) from.branches.push(branch);
    else stations.push({ stage: branch, branches: [] });
  }
  return stations;
}

/** The parts worth a line of their own: one alone says what its stage says, unless it has more to tell. */
export function partsOf({ parts, problem }: Stage): Part[] {
  const [only] = parts;
  const isEcho = parts.length === 1 && (only!.problem === null || only!.problem === problem);
  return isEcho ? [] : parts;
}

/** Stages that have a problem, the worst first. */
export function problemsOf(stages: Stage[]): string[] {
  const bad = stages.filter(({ state }) => state === "down" || state === "warning");
  return bad.sort((a, b) => Number(b.state === "down") - Number(a.state === "down")).map(({ name, problem }) => (problem ? `${name}: ${problem}` : name));
}

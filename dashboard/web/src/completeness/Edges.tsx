import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchEdges, type Edge } from "../api/client";
import { now } from "../live/clock";
import { generation } from "../live/state";
import { formatCount } from "../ui/format";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { Age } from "../ui/When";
import { clockText, edgesInOrder, goneText, isReplaced, isSilent, lostOf, onTheWayOf } from "./edge";
import { Cell } from "./Table";

const HEADS = ["Edge", "Stored there", "Arrived", "Gone", "Missing", "To be sent", "Heard", "Clock"];

/** How often edges are asked for again. */
const EVERY_MS = 5_000;

const edges = signal<Edge[]>([]);
const problem = signal<string | null>(null);

/** What edges stored, and what arrived of it; nothing where there are none. */
export function Edges() {
  useEffect(() => effect(() => void [generation.value, void load()]), []);
  useEffect(() => {
    const timer = setInterval(() => void load(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (problem.value) return <p class="problem" role="alert">Edges could not be loaded: {problem.value}.</p>;
  if (edges.value.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="edges-title" data-testid="edges">
      <h2 id="edges-title">Edges</h2>
      <table class="ledger" role="table">
        <caption class="unseen">Readings that each edge stored, and those that arrived here</caption>
        <thead role="rowgroup">
          <tr role="row">{HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">
          {edgesInOrder(edges.value).map((edge) => <Row key={`${edge.edge} ${edge.run}`} edge={edge} />)}
        </tbody>
      </table>
      <p class="view-note">
        An edge numbers what it stores. Missing is what neither arrived nor is gone nor is still to be sent; it is asked for
        again after 30 s.
      </p>
    </section>
  );
}

async function load(): Promise<void> {
  try {
    [edges.value, problem.value] = [await fetchEdges(), null];
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

function Row({ edge }: { edge: Edge }) {
  const lost = lostOf(edge);
  return (
    <tr role="row" data-testid="edge" data-edge={edge.edge} data-missing={lost}>
      <th scope="row" role="rowheader">
        {edge.edge}
        {isReplaced(edge, edges.value) && <span class="edge-note">before its database was lost</span>}
      </th>
      <Cell head="Stored there">{formatCount(edge.stored)}</Cell>
      <Cell head="Arrived">{formatCount(edge.arrived)}</Cell>
      <Cell head="Gone" none={edge.deleted + edge.refused === 0}>{goneText(edge)}</Cell>
      <Cell head="Missing" class="ledger-missing">
        {lost > 0 ? <><WarningShape />{formatCount(lost)}</> : <><DoneShape />none</>}
      </Cell>
      <Cell head="To be sent" none={onTheWayOf(edge) === 0}>{formatCount(onTheWayOf(edge))}</Cell>
      <Cell head="Heard"><Heard edge={edge} /></Cell>
      <Cell head="Clock" none={clockText(edge) === "right"}>{clockText(edge)}</Cell>
    </tr>
  );
}

/** A component of its own, as it changes every second. */
function Heard({ edge }: { edge: Edge }) {
  const silent = isSilent(edge, now.value) && !isReplaced(edge, edges.value);
  return <span class="edge-heard" data-silent={silent}>{silent && <WarningShape />}<Age at={edge.heard_at} /></span>;
}

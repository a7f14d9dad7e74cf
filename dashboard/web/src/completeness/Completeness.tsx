import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Boot } from "../api/client";
import { serverNow } from "../live/clock";
import { generation } from "../live/state";
import { formatCount, plural } from "../ui/format";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import { Edges } from "./Edges";
import { bootsLike, fetchLedger, LEDGER_RANGES, totalsOf, worstFirst, type LedgerRange } from "./ledger";
import { RejectedList } from "./RejectedList";
import { Table } from "./Table";
import "./completeness.css";

const range = signal<LedgerRange>("24h");
const text = signal("");
const ledger = signal<{ boots: Boot[]; askedAt: string } | null>(null);
const problem = signal<string | null>(null);
const loading = signal(false);
let turn = 0;

/** The ledger: which readings are stored and which are missing; and the payloads that could not be read. */
export function Completeness() {
  // The ledger is expensive, so it is loaded again only after a reconnect or on demand.
  useEffect(() => effect(() => void [range.value, generation.value, void check()]), []);
  return (
    <>
      <section class="panel" aria-labelledby="gaps-title">
        <div class="view-head" id="gaps-title">
          <ViewTitle of="completeness" />
          <Ranges />
        </div>
        <Answer />
        <p class="view-note">
          A device numbers its readings without gaps from one start to the next, so each missing number is a lost reading.
          Readings before the lowest or after the highest number, and readings without <code>boot</code> and{" "}
          <code>seq</code>, cannot be checked.
        </p>
        {ledger.value && ledger.value.boots.length > 0 && <Boots boots={ledger.value.boots} />}
      </section>
      <Edges />
      <RejectedList isLoaded={ledger.value !== null || problem.value !== null} />
    </>
  );
}

function Ranges() {
  return (
    <div class="view-tools">
      <div class="switch" role="group" aria-label="Measured within">
        {(Object.keys(LEDGER_RANGES) as LedgerRange[]).map((name) => (
          <button key={name} aria-pressed={range.value === name} data-range={name} onClick={() => (range.value = name)}>
            {LEDGER_RANGES[name].label}
          </button>
        ))}
      </div>
      <button class="button" aria-disabled={loading.value} onClick={() => loading.peek() || void check()}>
        {loading.value ? "Checking…" : "Check again"}
      </button>
    </div>
  );
}

async function check(): Promise<void> {
  const mine = ++turn;
  loading.value = true;
  try {
    const found = await fetchLedger(range.peek());
    if (mine !== turn) return;
    ledger.value = { boots: worstFirst(found), askedAt: new Date(serverNow()).toISOString() };
    problem.value = null;
  } catch (error) {
    if (mine !== turn) return;
    problem.value = (error as Error).message;
  }
  loading.value = false;
}

/** The summary in one sentence. */
function Answer() {
  if (problem.value) {
    const since = ledger.value && <> The list below is from <When at={ledger.value.askedAt} />.</>;
    return <p class="problem" role="alert" data-testid="ledger-problem">Data gaps could not be loaded: {problem.value}.{since}</p>;
  }
  if (!ledger.value) return <p class="headline nothing" role="status">Loading…</p>;
  return (
    <p class="headline" role="status" data-testid="headline" data-complete={totalsOf(ledger.value.boots).missing === 0}>
      <Summary boots={ledger.value.boots} /> <span class="headline-at">as of <When at={ledger.value.askedAt} /></span>
    </p>
  );
}

function Summary({ boots }: { boots: Boot[] }) {
  const { devices, missing, stored, incomplete } = totalsOf(boots);
  if (boots.length === 0) return <span class="nothing">No reading with <code>boot</code> and <code>seq</code> in this time range.</span>;
  if (missing === 0) return <><DoneShape /><strong>Complete:</strong> {plural(stored, "reading")} of {plural(devices, "device")}, none missing.</>;
  return (
    <>
      <WarningShape /><strong>{formatCount(missing)} missing</strong> of {formatCount(stored + missing)} readings,
      from {formatCount(incomplete)} of {plural(devices, "device")}.
    </>
  );
}

function Boots({ boots }: { boots: Boot[] }) {
  const found = bootsLike(boots, text.value);
  return (
    <>
      <div class="ledger-tools">
        <input
          type="search"
          aria-label="Filter devices by name"
          placeholder="Filter by device"
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <p data-testid="ledger-count">{countText(found.length, boots.length)}</p>
      </div>
      {found.length > 0 ? <Table key={`${text.value} ${range.value}`} boots={found} /> : <p class="nothing">No matching device</p>}
    </>
  );
}

function countText(found: number, all: number): string {
  return found === all ? plural(all, "boot") : `${formatCount(found)} of ${plural(all, "boot")}`;
}

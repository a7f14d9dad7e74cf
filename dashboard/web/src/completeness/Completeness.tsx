import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { serverNow } from "../live/clock";
import { bootsLike, fetchLedger, LEDGER_RANGES, totalsOf, worstFirst, type Boot, type LedgerRange } from "./ledger";
import { LedgerTable } from "./Table";
import { plural } from "../ui/format";
import { RejectedList } from "./RejectedList";
import { AlertShape, DoneShape } from "../ui/Shapes";
import { generation } from "../live/state";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import "./completeness.css";

const range = signal<LedgerRange>("24h");
const text = signal("");
const ledger = signal<{ boots: Boot[]; askedAt: string } | null>(null);
const problem = signal<string | null>(null);
const loading = signal(false);
let turn = 0;

/** What is stored, what is missing, and what could not be read. */
export function Completeness() {
  // After a reconnect the ledger may be another one; else it is dear, and asked for again only on demand.
  useEffect(() => effect(() => void [range.value, generation.value, void check()]), []);
  return (
    <>
      <section class="panel" aria-labelledby="ledger-title">
        <div class="view-head" id="ledger-title">
          <ViewTitle of="completeness" />
          <Ranges />
        </div>
        <Answer />
        <p class="view-note">
          A device numbers its readings without a gap from one start to the next, so a number that is absent is a lost
          reading. What came before the lowest or after the highest number, and readings without <code>boot</code>{" "}
          and <code>seq</code>, cannot be judged here.
        </p>
        {ledger.value && ledger.value.boots.length > 0 && <Boots boots={ledger.value.boots} />}
      </section>
      <RejectedList isSettled={ledger.value !== null || problem.value !== null} />
    </>
  );
}

function Ranges() {
  return (
    <div class="view-tools">
      <div class="ranges" role="group" aria-label="Measured within">
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

/** The one sentence that most readers come for. */
function Answer() {
  if (problem.value) {
    const since = ledger.value && <> What follows is of <When at={ledger.value.askedAt} />.</>;
    return <p class="problem" role="alert" data-testid="ledger-problem">The ledger could not be read: {problem.value}.{since}</p>;
  }
  if (!ledger.value) return <p class="verdict nothing" role="status">Counting…</p>;
  return (
    <p class="verdict" role="status" data-testid="verdict" data-complete={totalsOf(ledger.value.boots).missing === 0}>
      <Verdict boots={ledger.value.boots} /> <span class="verdict-at">as of <When at={ledger.value.askedAt} /></span>
    </p>
  );
}

function Verdict({ boots }: { boots: Boot[] }) {
  const { devices, missing, stored, incomplete } = totalsOf(boots);
  if (boots.length === 0) return <span class="nothing">No reading with <code>boot</code> and <code>seq</code> in this time.</span>;
  if (missing === 0) return <><DoneShape /><strong>Complete:</strong> {plural(stored, "reading")} of {plural(devices, "device")}, none missing.</>;
  return (
    <>
      <AlertShape /><strong>{missing.toLocaleString()} missing</strong> of {(stored + missing).toLocaleString()} readings,
      from {incomplete.toLocaleString()} of {plural(devices, "device")}.
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
      {found.length > 0 ? <LedgerTable key={`${text.value} ${range.value}`} boots={found} /> : <p class="nothing">No device is called so.</p>}
    </>
  );
}

function countText(found: number, all: number): string {
  return found === all ? plural(all, "boot") : `${found.toLocaleString()} of ${plural(all, "boot")}`;
}

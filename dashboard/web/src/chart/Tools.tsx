import { useEffect, useRef, useState } from "preact/hooks";
import { hrefOf } from "../address/href";
import { select } from "../address/navigate";
import { EARLIER, MOST_SERIES, type EarlierName } from "../address/selection";
import { selection } from "../address/state";
import { csvHref } from "../api/client";
import { connection } from "../live/state";
import { Popover } from "../ui/Popover";
import { done } from "../ui/status";
import { frame, shownLines } from "./data";
import { Picker } from "./Picker";
import { shown, type Shown } from "./shown";

/** Tools for the chart: add a sensor, copy a link, download, show as table. */
export function ChartTools() {
  const { table } = selection.value;
  const full = shown.value.length >= MOST_SERIES;
  return (
    <div class="chart-tools" role="group" aria-label="Chart tools">
      <Popover name="Add sensor" disabled={full} title={full ? `The chart shows at most ${MOST_SERIES} sensors` : undefined}>
        {(close) => <Picker close={close} />}
      </Popover>
      {!table && <Compare />}
      <CopyLink />
      <Csv />
      <div class="switch views" role="group" aria-label="Chart or table">
        <button aria-pressed={!table} onClick={() => select({ table: false })}>Chart</button>
        <button aria-pressed={table} onClick={() => select({ table: true })} data-testid="as-table" title="The same data as a table">Data</button>
      </div>
    </div>
  );
}

/** Draws the same series as it was a day or a week before. */
function Compare() {
  const { earlier } = selection.value;
  return (
    <select
      class="button"
      aria-label="Compare with"
      data-testid="compare"
      value={earlier ?? ""}
      onChange={(event) => select({ earlier: (event.currentTarget.value || null) as EarlierName | null })}
    >
      <option value="">Compare…</option>
      {(Object.keys(EARLIER) as EarlierName[]).map((name) => <option key={name} value={name}>with {EARLIER[name].label}</option>)}
    </select>
  );
}

const CONFIRM_MS = 2500;

/** Copies an address that shows the same to somebody else: the span when zoomed, else the range that ends now. */
function CopyLink() {
  const [state, setState] = useState<"idle" | "copied" | "manual">("idle");
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("idle"), CONFIRM_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const link = () => new URL(hrefOf({}), document.baseURI).href;
  if (state === "manual") return <LinkField link={link()} close={() => setState("idle")} />;
  const copy = async () => {
    const copied = await navigator.clipboard?.writeText(link()).then(() => true, () => false);
    setState(copied ? "copied" : "manual");
    if (copied) done.value = "Link copied.";
  };
  return <button class="button" onClick={copy} data-testid="copy-link">{state === "copied" ? "Copied" : "Copy link"}</button>;
}

/** Where the page may not write to the clipboard, as without TLS, the reader copies the link. */
function LinkField({ link, close }: { link: string; close(): void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.select(), []);
  return (
    <input
      ref={field}
      class="link-field"
      readOnly
      value={link}
      aria-label="Link to this chart"
      onBlur={close}
      onKeyDown={(event) => event.key === "Escape" && close()}
    />
  );
}

function Csv() {
  const { connected } = connection.value;
  const empty = shownLines.value.every((points) => points.length === 0);
  const why = !connected ? "The server does not answer" : empty ? "No readings in this time range" : null;
  if (why) return <button class="button" disabled title={why}>CSV<span class="unseen">: {why}</span></button>;
  const [front, ...others] = shown.value;
  if (others.length === 0) return <CsvLink series={front!} text="CSV" button />;
  return (
    <Popover name="CSV">
      {() => (
        <ul class="csv-list">
          {shown.value.map((series) => <li key={series.key}><CsvLink series={series} text={`${series.device} ${series.metric}`} /></li>)}
        </ul>
      )}
    </Popover>
  );
}

const CSV_TITLE = "Download every stored reading of this time range as CSV";

function CsvLink({ series, text, button }: { series: Shown; text: string; button?: boolean }) {
  return (
    <a class={button ? "button" : "link"} href={csvHref(series, frame.value)} download="" title={CSV_TITLE} data-testid="csv">
      {text}
    </a>
  );
}

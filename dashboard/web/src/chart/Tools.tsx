import { useEffect, useRef, useState } from "preact/hooks";
import { MOST_SENSORS } from "../address/selection";
import { frame, shownLines } from "./data";
import { csvHref } from "./common-axis";
import { shown, type Shown } from "./shown";
import { Picker } from "./Picker";
import { choice, choose, hrefOf } from "../address/choice";
import { Drop } from "../ui/Popover";
import { done } from "../incidents/replying";
import { connection } from "../live/state";

/** What can be done with what the chart shows. */
export function ChartTools() {
  const { table } = choice.value;
  const full = shown.value.length >= MOST_SENSORS;
  return (
    <div class="chart-tools" role="group" aria-label="Chart tools">
      <Drop name="Add sensor" disabled={full} title={full ? `${MOST_SENSORS} sensors are the most that can be told apart` : undefined}>
        {(close) => <Picker close={close} />}
      </Drop>
      <CopyLink />
      <Csv />
      <div class="ranges views" role="group" aria-label="Chart or table">
        <button aria-pressed={!table} onClick={() => choose({ table: false })}>Chart</button>
        <button aria-pressed={table} onClick={() => choose({ table: true })} data-testid="as-table" title="The same data as a table">Data</button>
      </div>
    </div>
  );
}

const TOLD_MS = 2500;

/** Copies an address that shows the same to somebody else: the span when zoomed, else the range that follows the clock. */
function CopyLink() {
  const [state, setState] = useState<"idle" | "copied" | "by hand">("idle");
  useEffect(() => {
    if (state !== "copied") return;
    const timer = setTimeout(() => setState("idle"), TOLD_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const link = () => new URL(hrefOf({}), document.baseURI).href;
  if (state === "by hand") return <LinkField link={link()} close={() => setState("idle")} />;
  const copy = async () => {
    const copied = await navigator.clipboard?.writeText(link()).then(() => true, () => false);
    setState(copied ? "copied" : "by hand");
    if (copied) done.value = "Link copied.";
  };
  return <button class="button" onClick={copy} data-testid="copy-link">{state === "copied" ? "Copied" : "Copy link"}</button>;
}

/** Where a page may not write to the clipboard, as without TLS, the reader copies it. */
function LinkField({ link, close }: { link: string; close(): void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.select(), []);
  return (
    <input
      ref={field}
      class="link-field"
      readOnly
      value={link}
      aria-label="Link to this chart, to be copied"
      onBlur={close}
      onKeyDown={(event) => event.key === "Escape" && close()}
    />
  );
}

function Csv() {
  const { connected } = connection.value;
  const empty = shownLines.value.every((points) => points.length === 0);
  const why = !connected ? "The server is away" : empty ? "No readings in this time" : null;
  if (why) return <button class="button" disabled title={why}>CSV<span class="unseen">: {why}</span></button>;
  const [front, ...others] = shown.value;
  if (others.length === 0) return <CsvLink sensor={front!} words="CSV" button />;
  return (
    <Drop name="CSV">
      {() => (
        <ul class="csv-list">
          {shown.value.map((sensor) => <li key={sensor.key}><CsvLink sensor={sensor} words={`${sensor.device} ${sensor.metric}`} /></li>)}
        </ul>
      )}
    </Drop>
  );
}

const CSV_TITLE = "Download every stored reading of the time shown, as a file of comma-separated values";

function CsvLink({ sensor, words, button }: { sensor: Shown; words: string; button?: boolean }) {
  return (
    <a class={button ? "button" : "link"} href={csvHref(sensor, frame.value)} download="" title={CSV_TITLE} data-testid="csv">
      {words}
    </a>
  );
}

import { useEffect } from "preact/hooks";
import { fetchLastReadings, type DeviceDetails, type Reading } from "../api/devices";
import { Problem } from "../ui/Facts";
import { formatCount, plural } from "../ui/format";
import { useLoaded } from "../ui/loaded";
import { quantityText } from "../ui/quantity";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { Cell } from "./Cell";

const SHOWN = 6;
const REFRESH_MS = 5000;
const LONGEST_EXCERPT = 300;
const MOST_DIGITS = 4;

/** What the device sent last, and what of it could not be read. */
export function Payloads({ of }: { of: DeviceDetails }) {
  const { found, problem, reload } = useLoaded(() => fetchLastReadings(of.name, SHOWN));
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, []);
  return (
    <section class="panel" aria-labelledby="payloads-title">
      <h2 id="payloads-title">Last payloads</h2>
      <Problem of={problem} what="The readings could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-payloads">No readings yet</p>}
      {found && found.length > 0 && <Readings of={found} />}
      <Rejected of={of} />
    </section>
  );
}

const HEADS = ["Metric", "Value", "Measured", "Received", "Number"];

function Readings({ of }: { of: Reading[] }) {
  return (
    <table class="devices device-readings" role="table">
      <caption class="unseen">The newest readings, newest first</caption>
      <thead role="rowgroup"><tr role="row">{HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr></thead>
      <tbody role="rowgroup">{of.map((reading) => <Row key={`${reading.metric} ${reading.measured_at} ${reading.boot} ${reading.seq} ${reading.value}`} of={reading} />)}</tbody>
    </table>
  );
}

function Row({ of: { metric, value, unit, measured_at, received_at, boot, seq } }: { of: Reading }) {
  return (
    <tr role="row" data-testid="device-reading">
      <th scope="row" role="rowheader"><Text of={metric} /></th>
      <Cell head="Value">{quantityText(metric, value, unit, digitsOf(value))}</Cell>
      <Cell head="Measured"><When at={measured_at} /></Cell>
      <Cell head="Received"><When at={received_at} beside={measured_at} /></Cell>
      <Cell head="Number" none={seq === null}>{seq !== null && <>{boot !== null && `${boot} / `}{seq}</>}</Cell>
    </tr>
  );
}

function digitsOf(value: number): number {
  return Math.min(MOST_DIGITS, (String(value).split(".")[1] ?? "").length);
}

function Rejected({ of: { rejected: { count, newest } } }: { of: DeviceDetails }) {
  if (newest === null) return <p class="view-note device-rejected" data-testid="nothing-rejected">All of its payloads could be read.</p>;
  return (
    <div class="device-rejected" data-testid="device-rejected">
      <h3>{plural(count, "payload")} could not be read</h3>
      <p>The newest, <When at={newest.received_at} /> on <code><Text of={newest.topic} /></code>: <Text of={newest.reason} />. <a href="#rejected">Look at all, and resend them</a></p>
      <pre tabIndex={0} aria-label="Payload">{newest.payload === "" ? "(empty)" : <Text of={newest.payload.slice(0, LONGEST_EXCERPT)} lines />}{newest.payload.length > LONGEST_EXCERPT && <>… <small>{formatCount(newest.payload_bytes)} bytes</small></>}</pre>
    </div>
  );
}

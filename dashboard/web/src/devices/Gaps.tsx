import type { DeviceDetails } from "../api/devices";
import type { Boot } from "../api/client";
import { formatCount, plural } from "../ui/format";
import { rangesText } from "../ui/ranges";
import { When } from "../ui/When";
import { Cell } from "./Cell";

const HEADS = ["Restart", "From", "To", "Stored", "Missing"];
const RANGES = 6;

/** The restarts of a device that numbers its readings, and what is missing since each. */
export function Gaps({ of: { boots, counted_from } }: { of: DeviceDetails }) {
  const missing = boots.reduce((sum, boot) => sum + boot.missing, 0);
  return (
    <section class="panel" aria-labelledby="gaps-title">
      <h2 id="gaps-title">Restarts and data gaps</h2>
      {boots.length === 0 ? <p class="nothing" data-testid="no-boots">It does not number its readings, so that nobody can tell what is missing</p> : (
        <>
          <p class="view-note" data-testid="missing">
            {missing === 0 ? "Nothing is missing" : `${plural(missing, "reading")} missing`} in {plural(boots.length, "restart")}{counted_from !== null && <> since <When at={counted_from} /></>}. <a href="#completeness">All data gaps</a>
          </p>
          <table class="devices device-boots" role="table">
            <caption class="unseen">Restarts, newest first</caption>
            <thead role="rowgroup"><tr role="row">{HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr></thead>
            <tbody role="rowgroup">{boots.map((boot) => <Row key={boot.boot} boot={boot} />)}</tbody>
          </table>
        </>
      )}
    </section>
  );
}

function Row({ boot }: { boot: Boot }) {
  return (
    <tr role="row" data-testid="boot">
      <th scope="row" role="rowheader">{boot.boot}</th>
      <Cell head="From"><When at={boot.oldest_measured_at} /></Cell>
      <Cell head="To"><When at={boot.newest_measured_at} /></Cell>
      <Cell head="Stored">{formatCount(boot.stored)} of {formatCount(boot.expected)}</Cell>
      <Cell head="Missing">{boot.missing === 0 ? "none" : <>{formatCount(boot.missing)}: {rangesText(boot, RANGES)}</>}</Cell>
    </tr>
  );
}

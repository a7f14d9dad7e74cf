import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Boot } from "../api/client";
import { formatCount } from "../ui/format";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { When } from "../ui/When";
import { rangesText } from "../ui/ranges";

/** Rows that are drawn at first. Missing readings come first, so few readers need more. */
const ROWS = 200;
const GAPS = 4;

const HEADS = ["Device", "Boot", "Expected", "Stored", "Missing", "Late", "Repeated", "Newest reading"];

/** A row for each boot of each device. Roles are explicit, as phones show the rows as cards. */
export function Table({ boots }: { boots: Boot[] }) {
  const [most, setMost] = useState(ROWS);
  const rest = boots.length - most;
  return (
    <>
      <table class="ledger" role="table" aria-rowcount={boots.length + 1}>
        <caption class="unseen">Readings of each device and boot, those with missing readings first</caption>
        <thead role="rowgroup">
          <tr role="row">{HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">
          {boots.slice(0, most).map((boot) => <Row key={`${boot.device} ${boot.boot}`} boot={boot} />)}
        </tbody>
      </table>
      {rest > 0 && (
        <button class="button" onClick={() => setMost(most + ROWS)}>
          Show {formatCount(Math.min(ROWS, rest))} more of {formatCount(rest)}
        </button>
      )}
    </>
  );
}

function Row({ boot }: { boot: Boot }) {
  const { missing } = boot;
  return (
    <tr role="row" data-testid="boot" data-device={boot.device} data-missing={missing}>
      <th scope="row" role="rowheader">{boot.device}</th>
      <Cell head="Boot" class="ledger-boot">{boot.boot}</Cell>
      <Cell head="Expected">{formatCount(boot.expected)}</Cell>
      <Cell head="Stored">{formatCount(boot.stored)}</Cell>
      <Cell head="Missing" class="ledger-missing">
        {missing > 0 ? <><WarningShape />{formatCount(missing)}<Gaps boot={boot} /></> : <><DoneShape />none</>}
      </Cell>
      <Cell head="Late" none={boot.late === 0}>{formatCount(boot.late)}</Cell>
      <Cell head="Repeated" none={boot.repeated === 0}>{formatCount(boot.repeated)}</Cell>
      <Cell head="Newest reading"><When at={boot.newest_measured_at} /></Cell>
    </tr>
  );
}

interface CellProps {
  head: string;
  class?: string;
  none?: boolean;
  children: ComponentChildren;
}

export function Cell({ head, class: name, none, children }: CellProps) {
  return <td role="cell" class={name} data-head={head} data-none={none}>{children}</td>;
}

/** The numbers of the missing readings. */
function Gaps({ boot }: { boot: Boot }) {
  if (boot.missing_ranges.length <= GAPS) return <span class="gaps">{rangesText(boot, GAPS)}</span>;
  return (
    <details class="gaps">
      <summary>{rangesText(boot, GAPS)}</summary>
      {rangesText(boot, boot.missing_ranges.length)}
    </details>
  );
}

import { hrefOf } from "../address/href";
import type { SortName } from "../address/rows-view";
import { frontKey, rowsView } from "../address/state";
import { isQuiet } from "../live/alerting";
import { alerting, type Series } from "../live/state";
import { quantityOf } from "../ui/quantity";
import { StateShape } from "../ui/Shapes";
import { Age } from "../ui/When";
import { AlertingShape, incidentTitle } from "./AlertingShape";
import { order } from "./rows";
import { showInChart } from "./Tile";
import { SortHead } from "./Tools";

const COLUMNS: { class: string; name: string; by: SortName | null }[] = [
  { class: "row-name", name: "Sensor", by: "name" },
  { class: "row-metric", name: "Metric", by: null },
  { class: "row-value", name: "Value", by: "value" },
  { class: "row-state", name: "State", by: "state" },
  { class: "row-age", name: "Age", by: "age" },
];

export function TableHead() {
  const { reversed } = rowsView.value;
  const sort = order.value;
  const falls = (sort !== "name") !== reversed;
  return (
    <div class="row row-heads" role="row" aria-rowindex={1}>
      {COLUMNS.map((column) => (
        <div
          key={column.name}
          class={column.class}
          role="columnheader"
          aria-sort={column.by !== sort ? undefined : falls ? "descending" : "ascending"}
        >
          {column.by ? <SortHead by={column.by}>{column.name}</SortHead> : column.name}
        </div>
      ))}
    </div>
  );
}

interface Props {
  series: Series;
  /** How many levels of the name its group shows already. */
  skip: number;
  top: number;
  height: number;
  index: number;
  stop: boolean;
}

/** One sensor in the table. */
export function Row({ series, skip, top, height, index, stop }: Props) {
  const newest = series.newest.value;
  const { text, sign } = quantityOf(series.metric, newest.value, newest.unit, series.precision.digits);
  const code = alerting.value.get(series.key);
  return (
    <div
      class="row"
      role="row"
      aria-rowindex={index + 2}
      style={{ top: `${top}px`, height: `${height}px` }}
      data-testid="row"
      data-device={series.device}
      data-metric={series.metric}
      data-state={newest.state}
      data-alerting={code !== undefined}
      data-quiet={isQuiet(code)}
    >
      <div class="row-name" role="gridcell">
        <a
          href={hrefOf({ series, zoom: null })}
          title={series.device}
          tabIndex={stop ? 0 : -1}
          aria-current={frontKey.value === series.key}
          data-item={series.key}
          onClick={(event) => showInChart(event, series)}
        >
          {series.levels.slice(skip).join("/")}
        </a>
      </div>
      <div class="row-metric" role="gridcell" title={series.metric}>{series.metric}</div>
      <div class="row-value" role="gridcell" data-testid="row-value">
        {text}
        {sign && <span class="row-unit">{"\u202f"}{sign}</span>}
      </div>
      <div class="row-state" role="gridcell">
        <span><StateShape state={newest.state} />{newest.state}</span>
        {code !== undefined && <span class="row-incident" title={incidentTitle(series.key, code)}><AlertingShape code={code} /><span class="unseen">{incidentTitle(series.key, code)}</span></span>}
      </div>
      <div class="row-age" role="gridcell"><Age at={newest.measured_at} /></div>
    </div>
  );
}

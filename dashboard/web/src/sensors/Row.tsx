import { chosenKey, hrefOf } from "../address/choice";
import { formatNumber, unitSign } from "../ui/format";
import { listing } from "./rows";
import type { SortName } from "../address/rows-view";
import { AlertShape, StateShape } from "../ui/Shapes";
import { openAlerts, type Sensor } from "../live/state";
import { chooseHere } from "./Tile";
import { SortHead } from "./Tools";
import { Age } from "../ui/When";

const COLUMNS: { class: string; name: string; by: SortName | null }[] = [
  { class: "row-name", name: "Sensor", by: "name" },
  { class: "row-metric", name: "Metric", by: null },
  { class: "row-value", name: "Value", by: "value" },
  { class: "row-state", name: "State", by: "state" },
  { class: "row-age", name: "Age", by: "age" },
];

export function TableHead() {
  const { sort, reversed } = listing.value;
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
  sensor: Sensor;
  /** How many levels of the name its group has said already. */
  skip: number;
  top: number;
  height: number;
  index: number;
  stop: boolean;
}

/** One sensor in the table. */
export function Row({ sensor, skip, top, height, index, stop }: Props) {
  const newest = sensor.newest.value;
  const alert = openAlerts.value.get(sensor.key);
  return (
    <div
      class="row"
      role="row"
      aria-rowindex={index + 2}
      style={{ top: `${top}px`, height: `${height}px` }}
      data-testid="row"
      data-device={sensor.device}
      data-metric={sensor.metric}
      data-state={newest.state}
      data-alerting={alert !== undefined}
    >
      <div class="row-name" role="gridcell">
        <a
          href={hrefOf({ sensor, zoom: null })}
          title={sensor.device}
          tabIndex={stop ? 0 : -1}
          aria-current={chosenKey.value === sensor.key}
          data-item={sensor.key}
          onClick={(event) => chooseHere(event, sensor)}
        >
          {sensor.levels.slice(skip).join("/")}
        </a>
      </div>
      <div class="row-metric" role="gridcell" title={sensor.metric}>{sensor.metric}</div>
      <div class="row-value" role="gridcell" data-testid="row-value">
        {formatNumber(newest.value, sensor.precision.digits)}
        {newest.unit !== null && <span class="row-unit">{"\u202f"}{unitSign(newest.unit)}</span>}
      </div>
      <div class="row-state" role="gridcell">
        <span><StateShape state={newest.state} />{newest.state}</span>
        {alert && <span class="row-alert" title={alert.rule}><AlertShape />alert</span>}
      </div>
      <div class="row-age" role="gridcell"><Age at={newest.measured_at} /></div>
    </div>
  );
}

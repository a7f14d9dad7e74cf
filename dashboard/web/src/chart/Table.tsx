import { computed } from "@preact/signals";
import { now, serverNow } from "../live/clock";
import { formatCount, formatDuration, formatMoment, formatNumber, formatSpan, formatUtc } from "../ui/format";
import { unitSign } from "../ui/units";
import { Text } from "../ui/Text";
import { Nothing } from "./Canvas";
import { toRows, type TableRow } from "./common-axis";
import { frame, loaded, loads, shownLines } from "./data";
import { LineSwatch } from "./Lines";
import type { Point } from "./points";
import { stateOf } from "./Readout";
import { digitsOf, shown, unitOf } from "./shown";

/** A column that each series has. */
interface Column {
  name: string;
  /** Whether its values are in the unit of the series. */
  measured: boolean;
  textOf(point: Point, valueText: (value: number) => string): string;
}

const MEAN: Column = { name: "Mean", measured: true, textOf: ({ mean }, valueText) => valueText(mean) };
const MIN: Column = { name: "Min", measured: true, textOf: ({ min }, valueText) => valueText(min) };
const MAX: Column = { name: "Max", measured: true, textOf: ({ max }, valueText) => valueText(max) };
const COUNT: Column = { name: "Readings", measured: false, textOf: ({ count }) => formatCount(count) };

// Readings come ten times a second; rows that moved as often would be unreadable.
const rows = computed<TableRow[]>(() => {
  void [now.value, loads.value, shown.value];
  const [lines, from] = [shownLines.peek(), loaded.peek()];
  return from ? toRows(lines, from) : [];
});

/** Where no row has two readings, a single column suffices. */
const isReduced = computed(() => rows.value.some(({ points }) => points.some((point) => point !== null && point.count > 1)));

const columns = computed<Column[]>(() => {
  if (!isReduced.value) return [{ ...MEAN, name: "Value" }];
  return shown.value.length > 1 ? [MEAN, MIN, MAX] : [MEAN, MIN, MAX, COUNT];
});

/** The values of the chart as a table, newest first. */
export function Table() {
  const { from, to } = frame.value;
  const several = shown.value.length > 1;
  return (
    <div class="chart-table" data-testid="chart-table" tabIndex={0} role="region" aria-label={`Readings of ${formatSpan(from, to, serverNow())}`}>
      <table data-several={several}>
        <caption>{caption()}</caption>
        <thead>
          {several && <SeriesHeads />}
          <tr>
            <th scope="col">Time</th>
            {shown.value.map(({ key }) => columns.value.map((column, at) => <Head key={column.name} column={column} unit={unitOf(key)} first={at === 0} />))}
          </tr>
        </thead>
        <tbody>
          {rows.value.map((row) => <Row key={row.from} row={row} />)}
        </tbody>
      </table>
      {rows.value.length === 0 && <Nothing />}
    </div>
  );
}

function caption() {
  return loaded.value && `Each row covers ${stepText(loaded.value.widthMs)} from its time on; newest first.`;
}

function stepText(ms: number): string {
  return ms < 10_000 ? `${formatNumber(ms / 1000, ms < 100 ? 3 : 1)} s` : formatDuration(ms);
}

/** The series above their columns. */
function SeriesHeads() {
  return (
    <tr>
      <td />
      {shown.value.map((series, place) => (
        <th key={series.key} scope="colgroup" colSpan={columns.value.length}>
          <LineSwatch place={place} /><Text of={series.device} /> <span class="line-metric">{series.metric}</span>
        </th>
      ))}
    </tr>
  );
}

function Head({ column, unit, first }: { column: Column; unit: string | null; first: boolean }) {
  return (
    <th scope="col" data-first={first}>
      {column.name}{column.measured && unit !== null && <span class="line-metric"> {unitSign(unit)}</span>}
    </th>
  );
}

function Row({ row }: { row: TableRow }) {
  return (
    <tr>
      <th scope="row"><time dateTime={new Date(row.from).toISOString()} title={formatUtc(row.from)}>{timeText(row.from)}</time></th>
      {row.points.map((point, place) => {
        const key = shown.value[place]?.key ?? "";
        const valueText = (value: number) => stateOf(key, value) ?? formatNumber(value, digitsOf(key));
        return columns.value.map(({ name, textOf }, at) => (
          <td key={name} data-first={at === 0}>{point ? textOf(point, valueText) : at === 0 ? "–" : ""}</td>
        ));
      })}
    </tr>
  );
}

const fine = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

function timeText(ms: number): string {
  return (loaded.peek()?.widthMs ?? 0) < 1000 ? fine.format(ms) : formatMoment(ms, serverNow());
}

import { useEffect } from "preact/hooks";
import { select } from "../address/navigate";
import { RANGES, type RangeName } from "../address/selection";
import { front, selection } from "../address/state";
import { serverNow } from "../live/clock";
import { formatMoment } from "../ui/format";
import { unitSign } from "../ui/units";
import { Text } from "../ui/Text";
import { Attributes } from "./Attributes";
import { startAttributes } from "./device-attributes";
import { Canvas, hoveredPoints } from "./Canvas";
import { startClockPeriods } from "./clock-periods";
import { frame, hasLine, historyOf, problem, startChart } from "./data";
import { startChartIncidents } from "./incidents";
import { Lines } from "./Lines";
import { Legend, Readout } from "./Readout";
import { latestOf, shown, unitOf } from "./shown";
import { Table } from "./Table";
import { ChartTools } from "./Tools";
import "./lines.css";
import "./table.css";

/** The history of the series in front, and of the others that are drawn with it. */
export function Chart() {
  useEffect(() => {
    const stops = [startChart(), startChartIncidents(), startClockPeriods(), startAttributes()];
    return () => stops.forEach((stop) => stop());
  }, []);
  const target = front.value;
  if (!target) return null;
  const { zoom, table } = selection.value;
  return (
    <section id="chart" class="panel chart" aria-labelledby="chart-title" data-lines={shown.value.length}>
      <div class="chart-head">
        <div class="chart-title">
          <h2 id="chart-title"><Text of={target.device} /></h2>
          <Subtitle />
        </div>
        {zoom && <button class="button" onClick={() => select({ zoom: null })}>Reset zoom</button>}
        <Ranges />
      </div>
      <div class="chart-bar">
        {shown.value.length > 1 ? <Lines /> : <Readout hovered={hoveredPoints.value?.[0] ?? null} />}
        <ChartTools />
      </div>
      {table ? <Table /> : <Canvas />}
      <div class="chart-foot" data-known={shown.value.some(({ key }) => hasLine(key))}>
        <Note />
        <Legend />
      </div>
      <Attributes />
    </section>
  );
}

function Subtitle() {
  const front = shown.value[0]!;
  const unit = unitOf(front.key);
  return <p><Text of={front.metric} />{unit !== null && <> in {unitSign(unit)}</>}</p>;
}

function Ranges() {
  const { range, zoom } = selection.value;
  return (
    <div class="switch" role="group" aria-label="Range">
      {(Object.keys(RANGES) as RangeName[]).map((name) => (
        <button
          key={name}
          aria-pressed={!zoom && range === name}
          data-range={name}
          onClick={() => select({ range: name, zoom: null })}
        >
          {RANGES[name].label}
        </button>
      ))}
    </div>
  );
}

/** What is to be said below the lines: that some are not loaded yet, or else what is special about the time frame. */
function Note() {
  const drawn = shown.value.filter(({ key }) => hasLine(key)).map(({ key }) => historyOf(key));
  if (drawn.includes("failed")) return <p class="chart-note" role="status">History could not be loaded: <Text of={problem.value ?? ""} />. Trying again…</p>;
  if (drawn.includes("loading")) return <p role="status">Loading…</p>;
  return <FrameNote />;
}

/** A range usually ends now and has its full length; the note says when it does not. */
function FrameNote() {
  const newest = shown.value.flatMap(({ key }) => latestOf(key)?.atMs ?? []);
  const several = shown.value.length > 1;
  const { endsAtNewest, beginsAtFirst } = frame.value;
  if (newest.length > 0 && endsAtNewest) {
    const at = formatMoment(Math.max(...newest), serverNow());
    return <p class="chart-note">Ends at {several ? "the" : "this sensor’s"} newest reading, {at}, not now.</p>;
  }
  if (beginsAtFirst) return <p>Begins with {several ? "the" : "this sensor’s"} first reading.</p>;
  return selection.value.table ? null : <p class="chart-hint">Drag across the chart to zoom in.</p>;
}

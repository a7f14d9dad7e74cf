import { useEffect } from "preact/hooks";
import { startChartAlerts } from "./incidents";
import { RANGES, type RangeName } from "../address/selection";
import { frame, startChart } from "./data";
import { latestOf, shown, unitOf } from "./shown";
import { Canvas, hoveredPoints } from "./Canvas";
import { Lines } from "./Lines";
import { Table } from "./Table";
import { ChartTools } from "./Tools";
import { choice, choose, chosen } from "../address/choice";
import { serverNow } from "../live/clock";
import { formatMoment, unitSign } from "../ui/format";
import { Legend, Readout } from "./Readout";
import "./lines.css";
import "./table.css";

/** The history of the chosen sensor, and of others beside it. */
export function Chart() {
  useEffect(() => {
    const stops = [startChart(), startChartAlerts()];
    return () => stops.forEach((stop) => stop());
  }, []);
  const target = chosen.value;
  if (!target) return null;
  const { zoom, table } = choice.value;
  return (
    <section id="chart" class="panel chart" aria-labelledby="chart-title" data-lines={shown.value.length}>
      <div class="chart-head">
        <div class="chart-title">
          <h2 id="chart-title">{target.device}</h2>
          <Subtitle />
        </div>
        {zoom && <button class="button" onClick={() => choose({ zoom: null })}>Reset zoom</button>}
        <Ranges />
      </div>
      <div class="chart-bar">
        {shown.value.length > 1 ? <Lines /> : <Readout hovered={hoveredPoints.value?.[0] ?? null} />}
        <ChartTools />
      </div>
      {table ? <Table /> : <Canvas />}
      <div class="chart-foot">
        <Note />
        <Legend />
      </div>
    </section>
  );
}

function Subtitle() {
  const front = shown.value[0]!;
  const unit = unitOf(front.key);
  return <p>{front.metric}{unit !== null && <> in {unitSign(unit)}</>}</p>;
}

function Ranges() {
  const { range, zoom } = choice.value;
  return (
    <div class="ranges" role="group" aria-label="Range">
      {(Object.keys(RANGES) as RangeName[]).map((name) => (
        <button
          key={name}
          aria-pressed={!zoom && range === name}
          data-range={name}
          onClick={() => choose({ range: name, zoom: null })}
        >
          {RANGES[name].label}
        </button>
      ))}
    </div>
  );
}

/** A range usually ends now and has its full length. When not, the reader has to know. */
function Note() {
  const newest = shown.value.flatMap(({ key }) => latestOf(key)?.atMs ?? []);
  const several = shown.value.length > 1;
  const { endsAtNewest, beginsAtFirst } = frame.value;
  if (newest.length > 0 && endsAtNewest) {
    const at = formatMoment(Math.max(...newest), serverNow());
    return <p class="chart-note">Ends at {several ? "the" : "this sensor’s"} newest reading, {at}, not now.</p>;
  }
  if (beginsAtFirst) return <p>Begins with {several ? "the" : "this sensor’s"} first reading.</p>;
  return choice.value.table ? null : <p class="chart-hint">Drag across the chart to zoom in.</p>;
}

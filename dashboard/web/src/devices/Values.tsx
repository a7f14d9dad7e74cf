import { useState } from "preact/hooks";
import { hrefOf } from "../address/href";
import { showSeries } from "../address/navigate";
import type { Device } from "../api/devices";
import type { Series } from "../api/types";
import { Precision } from "../live/precision";
import { takeClick } from "../ui/click";
import { formatCount } from "../ui/format";
import { quantityText } from "../ui/quantity";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { Age } from "../ui/When";
import { MetricChart } from "./MetricChart";
import { CHART_RANGES, type ChartRange } from "./metric-chart";

/** Charts that are drawn at once: each asks the server for its own readings. */
const CHARTS = 12;

/** The newest reading of each series with its chart, which leads to the large one. */
export function Values({ of: { series } }: { of: Device }) {
  const [range, setRange] = useState<ChartRange>("6h");
  const [most, setMost] = useState(CHARTS);
  const rest = series.length - most;
  return (
    <section class="panel" aria-labelledby="device-values">
      <div class="view-head">
        <h2 id="device-values">Readings</h2>
        {series.length > 0 && (
          <div class="switch" role="group" aria-label="Range">
            {(Object.keys(CHART_RANGES) as ChartRange[]).map((name) => <button key={name} aria-pressed={range === name} onClick={() => setRange(name)}>{CHART_RANGES[name].label}</button>)}
          </div>
        )}
      </div>
      {series.length === 0 && <p class="nothing" data-testid="no-values">No readings yet</p>}
      <ul class="device-values">{series.slice(0, most).map((one) => <Value key={one.metric} of={one} range={range} />)}</ul>
      {rest > 0 && <button class="button" onClick={() => setMost(most + CHARTS)}>Show {formatCount(Math.min(CHARTS, rest))} more of {formatCount(rest)} metrics</button>}
    </section>
  );
}

function Value({ of, range }: { of: Series; range: ChartRange }) {
  const { device, metric, value, unit, measured_at } = of;
  const series = { device, metric };
  const precision = new Precision();
  precision.learn(value);
  return (
    <li data-testid="device-value" data-metric={metric}>
      <a href={hrefOf({ series, others: [], zoom: null })} aria-label={`Chart of ${visible(metric)}`} onClick={(event) => takeClick(event) && showSeries(series)}><Text of={metric} /></a>
      <strong>{quantityText(metric, value, unit, precision.digits)}</strong>
      <small><Age at={measured_at} /></small>
      <MetricChart series={series} range={range} unit={unit} newest={measured_at} />
    </li>
  );
}

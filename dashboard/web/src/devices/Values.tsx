import { hrefOf } from "../address/href";
import { showSeries } from "../address/navigate";
import type { Device } from "../api/devices";
import type { Series } from "../api/types";
import { Precision } from "../live/precision";
import { takeClick } from "../ui/click";
import { quantityText } from "../ui/quantity";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { Age } from "../ui/When";

/** The newest reading of each series, which leads to its chart. */
export function Values({ of: { series } }: { of: Device }) {
  return (
    <section class="panel" aria-labelledby="device-values">
      <h2 id="device-values">Newest values</h2>
      {series.length === 0 && <p class="nothing" data-testid="no-values">No readings yet</p>}
      <ul class="device-values">{series.map((one) => <Value key={one.metric} of={one} />)}</ul>
    </section>
  );
}

function Value({ of }: { of: Series }) {
  const { device, metric, value, unit, measured_at } = of;
  const series = { device, metric };
  const precision = new Precision();
  precision.learn(value);
  return (
    <li data-testid="device-value" data-metric={metric}>
      <a href={hrefOf({ series, others: [], zoom: null })} aria-label={`Chart of ${visible(metric)}`} onClick={(event) => takeClick(event) && showSeries(series)}><Text of={metric} /></a>
      <strong>{quantityText(metric, value, unit, precision.digits)}</strong>
      <small><Age at={measured_at} /></small>
    </li>
  );
}

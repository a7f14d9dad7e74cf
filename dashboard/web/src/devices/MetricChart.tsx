import { useEffect } from "preact/hooks";
import { fetchBuckets, type Bucket, type SeriesName } from "../api/client";
import { serverNow } from "../live/clock";
import { Precision } from "../live/precision";
import { formatMoment } from "../ui/format";
import { useLoaded } from "../ui/loaded";
import { quantityText } from "../ui/quantity";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { HEIGHT, pictureOf, spanOf, WIDTH, type ChartRange, type Slot } from "./metric-chart";

const POINTS = 120;
const REFRESH_MS = 30_000;

interface Props {
  series: SeriesName;
  range: ChartRange;
  unit: string | null;
  /** When the newest reading was measured: a series that has ended ends its chart. */
  newest: string;
}

/** The history of one metric: a line of means in a band from the least to the greatest values, and what they are. */
export function MetricChart({ series, range, unit, newest }: Props) {
  const { found, problem, reload } = useLoaded(() => load(series, range, newest), range);
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, [range]);
  if (problem) return <p class="device-chart problem" role="status"><Text of={problem} />.</p>;
  if (!found) return <p class="device-chart" aria-busy="true" />;
  const picture = pictureOf(found.slots, found);
  const [from, to] = [formatMoment(found.from, serverNow()), formatMoment(found.to, serverNow())];
  if (!picture) return <p class="device-chart">No readings from {from} to {to}</p>;
  const text = valueText(series.metric, unit, [picture.min, picture.max]);
  return (
    <figure class="device-chart" data-testid="device-chart">
      <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${visible(series.metric)} from ${from} to ${to}: ${text}`}>
        <path class="sparkline-band" d={picture.band} />
        <path class="sparkline-line" d={picture.line} />
      </svg>
      <figcaption><span>{from}</span><span>{text}</span><span>{to}</span></figcaption>
    </figure>
  );
}

async function load(series: SeriesName, range: ChartRange, newest: string) {
  const span = spanOf(range, Date.parse(newest), serverNow());
  return { ...span, slots: (await fetchBuckets(series, span, POINTS)).map(slotOf) };
}

function slotOf({ from, min, max, mean }: Bucket): Slot {
  return { at: Date.parse(from), min, max, mean };
}

function valueText(metric: string, unit: string | null, [min, max]: [number, number]): string {
  const precision = new Precision();
  precision.learn(min);
  precision.learn(max);
  const text = (value: number) => quantityText(metric, value, unit, precision.digits);
  return text(min) === text(max) ? text(min) : `${text(min)} to ${text(max)}`;
}

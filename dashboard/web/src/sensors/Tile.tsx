import { useEffect, useState } from "preact/hooks";
import { hrefOf } from "../address/href";
import { select } from "../address/navigate";
import { frontKey } from "../address/state";
import { serverNow } from "../live/clock";
import { follow, seed } from "../live/history-buffer";
import { isQuiet } from "../live/alerting";
import { alerting, generation, type Series } from "../live/state";
import { takeClick } from "../ui/click";
import { quantityOf } from "../ui/quantity";
import { StateShape } from "../ui/Shapes";
import { showChart } from "../ui/show-chart";
import { Age } from "../ui/When";
import { AlertingShape, incidentTitle } from "./AlertingShape";
import { measures, room } from "./rows";
import { Sparkline } from "./Sparkline";

interface Props {
  series: Series;
  /** How many levels of the name its group shows already. */
  skip: number;
  /** Pixels from the top of the list; null where tiles flow. */
  top: number | null;
  column: number;
  stop: boolean;
  position: number;
  count: number;
}

/** One series at a glance: its newest value, the age of that, its recent past, and whether something is wrong. */
export function Tile({ series, skip, top, column, stop, position, count }: Props) {
  const settled = useHistory(series);
  const newest = series.newest.value;
  const { text, sign } = quantityOf(series.metric, newest.value, newest.unit, series.precision.digits);
  const code = alerting.value.get(series.key);
  return (
    <div class="cell" role="listitem" aria-posinset={position} aria-setsize={count} style={top === null ? undefined : placeOf(top, column)}>
      <a
        class="tile"
        href={hrefOf({ series, zoom: null })}
        onClick={(event) => showInChart(event, series)}
        tabIndex={stop ? 0 : -1}
        aria-current={frontKey.value === series.key}
        data-item={series.key}
        data-testid="tile"
        data-device={series.device}
        data-metric={series.metric}
        data-state={newest.state}
        data-alerting={code !== undefined}
        data-quiet={isQuiet(code)}
      >
        <span class="tile-device" title={series.device}><Breakable name={series.levels.slice(skip).join("/")} /></span>
        <span class="tile-metric">{series.metric}</span>
        {code !== undefined && (
          <span class="tile-incident" title={incidentTitle(series.key, code)}>
            <AlertingShape code={code} /><span class="tile-incident-text">incident</span><span class="unseen"> {incidentTitle(series.key, code)}</span>
          </span>
        )}
        <span class="tile-quantity">
          <Value text={text} />
          {sign && <span class="tile-unit" title={sign}>{sign}</span>}
        </span>
        <span class="tile-sparkline">{settled && <Sparkline series={series} />}</span>
        <span class="tile-state"><StateShape state={newest.state} />{newest.state}</span>
        <Age at={newest.measured_at} />
      </a>
    </div>
  );
}

/** So many characters fit into the narrowest tile in full size. */
const LONG_VALUE = 8;

function Value({ text }: { text: string }) {
  return <span class="tile-value" data-testid="tile-value" data-long={text.length > LONG_VALUE}>{text}</span>;
}

function placeOf(top: number, column: number) {
  const { columns, gap, itemHeight } = measures.value;
  const width = (room.value.width - (columns - 1) * gap) / columns;
  const left = column * (width + gap);
  return { top: `${top}px`, left: `${left}px`, width: `${width}px`, height: `${itemHeight}px` };
}

/** Lets a long name break after a slash, an underscore or a hyphen. */
function Breakable({ name }: { name: string }) {
  return <>{name.split(/(?<=[/_-])/).map((part) => <>{part}<wbr /></>)}</>;
}

export function showInChart(event: MouseEvent, series: Series): void {
  if (!takeClick(event)) return;
  select({ series, zoom: null });
  showChart();
}

// Tiles that are scrolled past quickly are not worth a request.
const SETTLED_AFTER_MS = 150;

/**
 * Loads the history when the tile has stayed on the screen for a moment, and again after a reconnect, which may have
 * left a gap. Returns whether the tile has stayed.
 */
function useHistory(series: Series): boolean {
  const [settled, setSettled] = useState(series.buffer.followed);
  const wanted = generation.value;
  useEffect(() => {
    if (wanted === 0) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      follow(series);
      setSettled(true);
      void fill(series, wanted, abort.signal);
    }, SETTLED_AFTER_MS);
    return () => [() => clearTimeout(timer), () => abort.abort()].forEach((stop) => stop());
  }, [series, wanted]);
  return settled;
}

async function fill(series: Series, wanted: number, abort: AbortSignal): Promise<void> {
  if (series.buffer.generation === wanted) return;
  series.buffer.generation = wanted;
  try {
    await seed(series, serverNow(), abort);
  } catch {
    series.buffer.generation = 0;
  }
}

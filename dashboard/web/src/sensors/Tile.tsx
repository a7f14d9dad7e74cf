import { useEffect, useState } from "preact/hooks";
import { choose, chosenKey, hrefOf } from "../address/choice";
import { serverNow } from "../live/clock";
import { isTaken } from "../ui/click";
import { formatNumber, unitSign } from "../ui/format";
import { measures, room } from "./rows";
import { AlertShape, StateShape } from "../ui/Shapes";
import { Sparkline } from "./Sparkline";
import { generation, openAlerts, type Sensor } from "../live/state";
import { follow, seed } from "../live/history-buffer";
import { Age } from "../ui/When";

interface Props {
  sensor: Sensor;
  /** How many levels of the name its group has said already. */
  skip: number;
  /** Pixels from the top of the list; null where tiles flow. */
  top: number | null;
  column: number;
  stop: boolean;
  position: number;
  count: number;
}

/** One sensor at a glance: its newest value, how old that is, where it came from, and whether something is wrong. */
export function Tile({ sensor, skip, top, column, stop, position, count }: Props) {
  const settled = useTrail(sensor);
  const newest = sensor.newest.value;
  const alert = openAlerts.value.get(sensor.key);
  return (
    <div class="cell" role="listitem" aria-posinset={position} aria-setsize={count} style={top === null ? undefined : placeOf(top, column)}>
      <a
        class="tile"
        href={hrefOf({ sensor, zoom: null })}
        onClick={(event) => chooseHere(event, sensor)}
        tabIndex={stop ? 0 : -1}
        aria-current={chosenKey.value === sensor.key}
        data-item={sensor.key}
        data-testid="tile"
        data-device={sensor.device}
        data-metric={sensor.metric}
        data-state={newest.state}
        data-alerting={alert !== undefined}
      >
        <span class="tile-device" title={sensor.device}><Breakable name={sensor.levels.slice(skip).join("/")} /></span>
        <span class="tile-metric">{sensor.metric}</span>
        {alert && (
          <span class="tile-alert" title={alert.rule}>
            <AlertShape />alert<span class="unseen"> {alert.rule}</span>
          </span>
        )}
        <span class="tile-quantity">
          <span class="tile-value" data-testid="tile-value">{formatNumber(newest.value, sensor.precision.digits)}</span>
          {newest.unit !== null && <span class="tile-unit">{unitSign(newest.unit)}</span>}
        </span>
        <span class="tile-trail">{settled && <Sparkline sensor={sensor} />}</span>
        <span class="tile-state"><StateShape state={newest.state} />{newest.state}</span>
        <Age at={newest.measured_at} />
      </a>
    </div>
  );
}

function placeOf(top: number, column: number) {
  const { columns, gap, itemHeight } = measures.value;
  const width = (room.value.width - (columns - 1) * gap) / columns;
  const left = column * (width + gap);
  return { top: `${top}px`, left: `${left}px`, width: `${width}px`, height: `${itemHeight}px` };
}

/** A long name may go on in a second line after a slash, an underscore or a hyphen. */
function Breakable({ name }: { name: string }) {
  return <>{name.split(/(?<=[/_-])/).map((part) => <>{part}<wbr /></>)}</>;
}

export function chooseHere(event: MouseEvent, sensor: Sensor): void {
  if (!isTaken(event)) return;
  choose({ sensor, zoom: null });
  bringChartIntoView();
}

function bringChartIntoView(): void {
  const chart = document.getElementById("chart");
  const box = chart?.getBoundingClientRect();
  if (!chart || !box || (box.top >= 0 && box.top + 200 < innerHeight)) return;
  chart.scrollIntoView({ block: "start" });
}

// Tiles that fly past while the reader scrolls are not worth a question to the store.
const SETTLED_AFTER_MS = 150;

/**
 * Fetches the trail when the tile has come to rest on the screen, and again when a reconnect may have left a hole in
 * it. Returns whether it rests.
 */
function useTrail(sensor: Sensor): boolean {
  const [settled, setSettled] = useState(sensor.trail.followed);
  const wanted = generation.value;
  useEffect(() => {
    if (wanted === 0) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      follow(sensor);
      setSettled(true);
      void fill(sensor, wanted, abort.signal);
    }, SETTLED_AFTER_MS);
    return () => [() => clearTimeout(timer), () => abort.abort()].forEach((stop) => stop());
  }, [sensor, wanted]);
  return settled;
}

async function fill(sensor: Sensor, wanted: number, abort: AbortSignal): Promise<void> {
  if (sensor.trail.generation === wanted) return;
  sensor.trail.generation = wanted;
  try {
    await seed(sensor, serverNow(), abort);
  } catch {
    sensor.trail.generation = 0;
  }
}

import { useEffect, useRef, useState } from "preact/hooks";
import { choose, chosenKey, hrefOf } from "./choice";
import { serverNow } from "./clock";
import { formatNumber, unitSign } from "./format";
import { AlertShape, StateShape } from "./Shapes";
import { Sparkline } from "./Sparkline";
import { generation, openAlerts, type Sensor } from "./state";
import { seed } from "./trail";
import { Age } from "./When";

/** One sensor at a glance: its newest value, how old that is, where it came from, and whether something is wrong. */
export function Tile({ sensor }: { sensor: Sensor }) {
  const link = useRef<HTMLAnchorElement>(null);
  const seen = useSeen(link);
  useTrail(sensor, seen);
  const newest = sensor.newest.value;
  const alert = openAlerts.value.get(sensor.key);
  return (
    <a
      ref={link}
      class="tile"
      href={hrefOf({ sensor, zoom: null })}
      onClick={(event) => chooseHere(event, sensor)}
      aria-current={chosenKey.value === sensor.key}
      data-testid="tile"
      data-device={sensor.device}
      data-metric={sensor.metric}
      data-state={newest.state}
      data-alerting={alert !== undefined}
    >
      <span class="tile-device" title={sensor.device}><Breakable name={sensor.device} /></span>
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
      <span class="tile-trail">{seen && <Sparkline sensor={sensor} />}</span>
      <span class="tile-state"><StateShape state={newest.state} />{newest.state}</span>
      <Age at={newest.measured_at} />
    </a>
  );
}

/** A long name may go on in a second line after a slash, an underscore or a hyphen. */
function Breakable({ name }: { name: string }) {
  return <>{name.split(/(?<=[/_-])/).map((part) => <>{part}<wbr /></>)}</>;
}

function chooseHere(event: MouseEvent, sensor: Sensor): void {
  // A tile is a link: the reader may well want the chart in another tab.
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  choose({ sensor, zoom: null });
  bringChartIntoView();
}

function bringChartIntoView(): void {
  const chart = document.getElementById("chart");
  const box = chart?.getBoundingClientRect();
  if (!chart || !box || (box.top >= 0 && box.top + 200 < innerHeight)) return;
  chart.scrollIntoView({ block: "start" });
}

function useSeen(link: { current: HTMLAnchorElement | null }): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    // A little ahead of the reader, so that sparklines are there when tiles scroll in.
    const observer = new IntersectionObserver((entries) => setSeen(entries.at(-1)!.isIntersecting), {
      rootMargin: "200px",
    });
    observer.observe(link.current!);
    return () => observer.disconnect();
  }, []);
  return seen;
}

/** Fetches the trail when the tile comes on the screen, and again when a reconnect may have left a hole in it. */
function useTrail(sensor: Sensor, seen: boolean): void {
  const wanted = generation.value;
  useEffect(() => {
    if (!seen || wanted === 0 || sensor.trail.generation === wanted) return;
    sensor.trail.generation = wanted;
    seed(sensor, serverNow()).catch(() => (sensor.trail.generation = 0));
  }, [sensor, seen, wanted]);
}

import { inFront, leftOut } from "../address/selection";
import { frame, shownLines } from "./data";
import { colourOf, markerOf, scales, scaleWords, shown, type Shown } from "./shown";
import { hoveredPoints } from "./Canvas";
import { choose, current, hrefOf } from "../address/choice";
import { summaryOf, type Point } from "./points";
import { extremes, quantity, TimeOf } from "./Readout";

/** So many have room for their extremes; those of more are in the table. */
const FEW = 4;

/** Whose line is which, and what each has under the crosshair, or in all of the time shown. */
export function Lines() {
  const points = hoveredPoints.value ?? shownLines.value.map((line) => summaryOf(line, frame.value));
  const sameMetric = shown.value.every(({ metric }) => metric === shown.value[0]!.metric);
  const isHovered = hoveredPoints.value !== null;
  return (
    <div class="lines" data-testid="lines" data-hovered={isHovered} data-few={shown.value.length <= FEW}>
      <p class="lines-time">
        <TimeOf hovered={hoveredPoints.value?.find((point) => point !== null) ?? null} />
        {!isHovered && <span class="lines-what">mean<span class="line-range">, min to max</span></span>}
      </p>
      <ul>
        {shown.value.map((sensor, place) => (
          <LineItem key={sensor.key} sensor={sensor} place={place} point={points[place] ?? null} metric={!sameMetric} />
        ))}
      </ul>
    </div>
  );
}

function LineItem({ sensor, place, point, metric }: { sensor: Shown; place: number; point: Point | null; metric: boolean }) {
  const hasScale = scales.value.of[place] !== null;
  return (
    <li class="line" data-testid="line" data-sensor={sensor.key}>
      <LineSwatch place={hasScale ? place : null} />
      <span class="line-name" title={`${sensor.device} ${sensor.metric}`}>
        <Name sensor={sensor} place={place} />
        {metric && <span class="line-metric"> {sensor.metric}</span>}
      </span>
      <span class="line-figures">
        {hasScale ? (
          <Figures sensor={sensor} point={point} />
        ) : (
          <span class="chart-note" title={`There are two scales already: ${scaleWords()}`}>not drawn: a third scale</span>
        )}
      </span>
      <button class="line-remove" aria-label={`Remove ${sensor.device} ${sensor.metric}`} title="Remove" onClick={() => (choose(leftOut(current(), sensor)), focusAt(place))}>
        <CrossShape />
      </button>
    </li>
  );
}

/** A name brings its sensor to the front. It is a link, as those of tiles are. */
function Name({ sensor, place }: { sensor: Shown; place: number }) {
  if (place === 0) return <strong>{sensor.device}</strong>;
  const next = () => inFront(current(), { device: sensor.device, metric: sensor.metric });
  return (
    <a
      href={hrefOf(next())}
      title={`${sensor.device} ${sensor.metric}: bring to the front`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        choose(next());
        focusAt(place);
      }}
    >
      {sensor.device}
    </a>
  );
}

/** What had the focus is gone or somewhere else; the keyboard goes on from what stands there now. */
function focusAt(place: number): void {
  requestAnimationFrame(() => {
    const items = document.querySelectorAll(".line");
    const item = items[Math.min(place, items.length - 1)]?.querySelector<HTMLElement>("a, button");
    (item ?? document.querySelector<HTMLElement>("#chart [tabindex='0']"))?.focus();
  });
}

function Figures({ sensor, point }: { sensor: Shown; point: Point | null }) {
  if (!point) return <>–</>;
  return (
    <>
      <span class="line-mean">{quantity(sensor.key, point.mean)}</span>
      {point.min !== point.max && <span class="line-range">{extremes(sensor.key, point)}</span>}
    </>
  );
}

/** The colour of a line and its mark, as they are in the chart; nothing for a sensor that is not drawn. */
export function LineSwatch({ place }: { place: number | null }) {
  if (place === null) return <span class="line-swatch" />;
  return (
    <svg class="line-swatch" viewBox="0 0 24 12" aria-hidden="true" style={{ color: `var(${colourOf(place)})` }}>
      <path d="M0 6h24" stroke="currentColor" stroke-width="2.4" />
      <path d={markerOf(place)} transform="translate(6 0)" fill="currentColor" stroke="var(--surface)" stroke-width="1.5" paint-order="stroke" />
    </svg>
  );
}

/** On a button that takes something away. */
function CrossShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6">
      <path d="m2.5 2.5 7 7m0-7-7 7" stroke-linecap="round" />
    </svg>
  );
}

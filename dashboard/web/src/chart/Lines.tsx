import { hrefOf } from "../address/href";
import { select } from "../address/navigate";
import { inFront, withoutSeries } from "../address/selection";
import { currentSelection } from "../address/state";
import { Name as DeviceName } from "../ui/Name";
import { hoveredPoints } from "./Canvas";
import { frame, historyOf, shownLines } from "./data";
import { summaryOf, type Point } from "./points";
import { extremes, quantity, TimeOf, Waiting } from "./Readout";
import { colourOf, markerOf, scaleNames, scales, shown, type Shown } from "./shown";

/** Extremes are shown for so many series; with more, only the table has room for them. */
const FEW = 4;

/** Which line belongs to which series, with values under the crosshair or of the whole time frame. */
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
        {shown.value.map((series, place) => (
          <LineItem key={series.key} series={series} place={place} point={points[place] ?? null} metric={!sameMetric} />
        ))}
      </ul>
    </div>
  );
}

function LineItem({ series, place, point, metric }: { series: Shown; place: number; point: Point | null; metric: boolean }) {
  const hasScale = scales.value.of[place] !== null;
  return (
    <li class="line" data-testid="line" data-series={series.key}>
      <LineSwatch place={hasScale ? place : null} />
      <span class="line-name" title={`${series.device} ${series.metric}`}>
        <Name series={series} place={place} />
        {metric && <span class="line-metric"> {series.metric}</span>}
      </span>
      <span class="line-figures">
        {hasScale ? (
          <Figures series={series} point={point} />
        ) : (
          <span class="chart-note" title={`The chart has two scales already: ${scaleNames()}`}>not drawn: a third scale</span>
        )}
      </span>
      <button class="line-remove" aria-label={`Remove ${series.device} ${series.metric}`} title="Remove" onClick={() => (select(withoutSeries(currentSelection(), series)), focusAt(place))}>
        <CrossShape />
      </button>
    </li>
  );
}

/** The name of a series is a link that brings it to the front. */
function Name({ series, place }: { series: Shown; place: number }) {
  if (place === 0) return <strong><DeviceName of={series.device} /></strong>;
  const next = () => inFront(currentSelection(), { device: series.device, metric: series.metric });
  return (
    <a
      href={hrefOf(next())}
      title={`${series.device} ${series.metric}: bring to the front`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        select(next());
        focusAt(place);
      }}
    >
      <DeviceName of={series.device} />
    </a>
  );
}

/** The focused element has moved or is gone, so the focus goes to the one in its place. */
function focusAt(place: number): void {
  requestAnimationFrame(() => {
    const items = document.querySelectorAll(".line");
    const item = items[Math.min(place, items.length - 1)]?.querySelector<HTMLElement>("a, button");
    (item ?? document.querySelector<HTMLElement>("#chart [tabindex='0']"))?.focus();
  });
}

function Figures({ series, point }: { series: Shown; point: Point | null }) {
  const history = hoveredPoints.value ? "loaded" : historyOf(series.key);
  if (history === "loading") return <Waiting />;
  if (!point || history === "failed") return <>–</>;
  return (
    <>
      <span class="line-mean">{quantity(series.key, point.mean)}</span>
      {point.min !== point.max && <span class="line-range">{extremes(series.key, point)}</span>}
    </>
  );
}

/** The colour and the marker of a line, as in the chart; empty for a series that is not drawn. */
export function LineSwatch({ place }: { place: number | null }) {
  if (place === null) return <span class="line-swatch" />;
  return (
    <svg class="line-swatch" viewBox="0 0 24 12" aria-hidden="true" style={{ color: `var(${colourOf(place)})` }}>
      <path d="M0 6h24" stroke="currentColor" stroke-width="2.4" />
      <path d={markerOf(place)} transform="translate(6 0)" fill="currentColor" stroke="var(--surface)" stroke-width="1.5" paint-order="stroke" />
    </svg>
  );
}

/** Stands on a button that removes something. */
function CrossShape() {
  return (
    <svg class="shape" viewBox="0 0 12 12" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6">
      <path d="m2.5 2.5 7 7m0-7-7 7" stroke-linecap="round" />
    </svg>
  );
}

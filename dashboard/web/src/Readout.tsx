import type { ComponentChildren } from "preact";
import { alertsProblem, incidents, limits } from "./chart-alerts";
import { frame, shownPoints } from "./chart-data";
import { chosenSensor } from "./choice";
import { serverNow } from "./clock";
import { formatMoment, formatQuantity, formatSpan, formatUtc } from "./format";
import { summaryOf, type Point } from "./history";

/** The figures below the crosshair, or of all that is shown when there is none. */
export function Readout({ hovered }: { hovered: Point | null }) {
  const point = hovered ?? summaryOf(shownPoints.value, frame.value);
  return (
    <dl class="readout" data-hovered={hovered !== null}>
      <Figure name="Time">{timeOf(hovered)}</Figure>
      <Figure name="Mean" swatch="mean">{point ? quantity(point.mean) : "–"}</Figure>
      <Figure name="Min to max" swatch="band">{point ? `${bare(point.min)} to ${quantity(point.max)}` : "–"}</Figure>
      <Figure name="Readings">{point ? point.count.toLocaleString() : "0"}</Figure>
    </dl>
  );
}

function Figure({ name, swatch, children }: { name: string; swatch?: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{swatch && <span class="swatch" data-swatch={swatch} />}{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Explains lines and shading, once there are some to explain; a limit too far away to be drawn is told here. */
export function Legend() {
  const shaded = (isGap: boolean) => incidents.value.some((incident) => incident.isGap === isGap);
  return (
    <div class="legend" data-testid="legend">
      {limits.value.map(({ words }) => <Explained key={words} swatch="limit">{words}</Explained>)}
      {shaded(false) && <Explained swatch="alert">alert open</Explained>}
      {shaded(true) && <Explained swatch="gap">absent</Explained>}
      {alertsProblem.value && <span class="chart-note">Alerts could not be loaded: {alertsProblem.value}.</span>}
    </div>
  );
}

function Explained({ swatch, children }: { swatch: string; children: ComponentChildren }) {
  return <span><span class="swatch" data-swatch={swatch} />{children}</span>;
}

function timeOf(hovered: Point | null) {
  const nowMs = serverNow();
  if (hovered) {
    const middle = (hovered.from + hovered.to) / 2;
    return <time title={formatUtc(middle)}>{formatMoment(middle, nowMs)}</time>;
  }
  const { from, to } = frame.value;
  return <span title={`${formatUtc(from)} – ${formatUtc(to)}`}>{formatSpan(from, to, nowMs)}</span>;
}

/** The same for a screen reader. */
export function pointText(point: Point | null): string {
  if (!point) return "no value chosen";
  const time = formatMoment((point.from + point.to) / 2, serverNow());
  return `${time}: mean ${quantity(point.mean)}, from ${bare(point.min)} to ${quantity(point.max)}`;
}

function quantity(value: number): string {
  const sensor = chosenSensor.value;
  return formatQuantity(value, sensor?.newest.value.unit ?? null, sensor?.precision.digits ?? 1);
}

function bare(value: number): string {
  return formatQuantity(value, null, chosenSensor.value?.precision.digits ?? 1);
}

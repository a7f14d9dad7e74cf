import type { ComponentChildren } from "preact";
import { alertsProblem, incidents, limits } from "./incidents";
import { frame, shownPoints } from "./data";
import { digitsOf, shown, unitOf } from "./shown";
import { serverNow } from "../live/clock";
import { formatMoment, formatQuantity, formatSpan, formatUtc } from "../ui/format";
import { summaryOf, type Point } from "./points";

/** The figures below the crosshair, or of all that is shown when there is none. */
export function Readout({ hovered }: { hovered: Point | null }) {
  const point = hovered ?? summaryOf(shownPoints.value, frame.value);
  const key = shown.value[0]!.key;
  return (
    <dl class="readout" data-hovered={hovered !== null}>
      <Figure name="Time"><TimeOf hovered={hovered} /></Figure>
      <Figure name="Mean" swatch="mean">{point ? quantity(key, point.mean) : "–"}</Figure>
      <Figure name="Min to max" swatch="band">{point ? extremes(key, point) : "–"}</Figure>
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
  const explains = limits.value.length + incidents.value.length > 0;
  return (
    <div class="legend" data-testid="legend">
      {explains && shown.value.length > 1 && <span>{shown.value[0]!.device}:</span>}
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

/** When the crosshair is, or from when to when the chart goes. */
export function TimeOf({ hovered }: { hovered: Point | null }) {
  const nowMs = serverNow();
  if (hovered) {
    const middle = middleOf(hovered);
    return <time title={formatUtc(middle)}>{formatMoment(middle, nowMs)}</time>;
  }
  const { from, to } = frame.value;
  return <span title={`${formatUtc(from)} – ${formatUtc(to)}`}>{formatSpan(from, to, nowMs)}</span>;
}

function middleOf({ from, to }: Point): number {
  return (from + to) / 2;
}

/** The values under the crosshair, for a screen reader. */
export function pointsText(points: (Point | null)[] | null): string {
  const said = shown.value.flatMap(({ key, device }, place) => {
    const point = points?.[place];
    return point ? [{ point, device, mean: quantity(key, point.mean), range: extremes(key, point) }] : [];
  });
  if (said.length === 0) return "no value chosen";
  const time = formatMoment(middleOf(said[0]!.point), serverNow());
  if (shown.value.length === 1) return `${time}: mean ${said[0]!.mean}, from ${said[0]!.range}`;
  return `${time}: ${said.map(({ device, mean }) => `${device} ${mean}`).join(", ")}`;
}

export function quantity(key: string, value: number): string {
  return formatQuantity(value, unitOf(key), digitsOf(key));
}

/** "21.1 to 21.9 °C" */
export function extremes(key: string, { min, max }: Point): string {
  return `${formatQuantity(min, null, digitsOf(key))} to ${quantity(key, max)}`;
}

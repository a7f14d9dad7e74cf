import type { ComponentChildren } from "preact";
import { EARLIER } from "../address/selection";
import { selection } from "../address/state";
import { serverNow } from "../live/clock";
import { formatCount, formatMoment, formatNumber, formatQuantity, formatSpan, formatUtc } from "../ui/format";
import { wordFor, wordsOf } from "../ui/words";
import { shownClockSpans } from "./clock-periods";
import { clockSpanAt, wrongBy } from "./clock-spans";
import { frame, historyOf, shownEarlier, shownPoints, type History } from "./data";
import { incidentSpans, incidentsProblem, limits } from "./incidents";
import { summaryOf, type Point } from "./points";
import { digitsOf, shown, unitOf } from "./shown";

/** The values under the crosshair, or without one those of the whole time frame. */
export function Readout({ hovered }: { hovered: Point | null }) {
  const point = hovered ?? summaryOf(shownPoints.value, frame.value);
  const key = shown.value[0]!.key;
  const whenLoaded = (text: () => string) => <Loaded history={hovered ? "loaded" : historyOf(key)} text={text} />;
  return (
    <dl class="readout" data-hovered={hovered !== null}>
      <Figure name="Time"><TimeOf hovered={hovered} /></Figure>
      <Figure name="Mean" swatch="mean">{whenLoaded(() => (point ? quantity(key, point.mean) : "–"))}</Figure>
      <Figure name="Min to max" swatch="band">{whenLoaded(() => (point ? extremes(key, point) : "–"))}</Figure>
      <Figure name="Readings">{whenLoaded(() => formatCount(point?.count ?? 0))}</Figure>
    </dl>
  );
}

/** What the readings of a series come to, once they are loaded; a dash where they could not be. */
function Loaded({ history, text }: { history: History; text(): string }) {
  if (history === "loading") return <Waiting />;
  return <>{history === "failed" ? "–" : text()}</>;
}

/** Stands in the place of a value that is being loaded. */
export function Waiting() {
  return <span class="waiting" data-testid="waiting"><span class="unseen">loading</span></span>;
}

function Figure({ name, swatch, children }: { name: string; swatch?: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{swatch && <span class="swatch" data-swatch={swatch} />}{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Explains the lines and the shading that are there; also names a limit that is too far away to be drawn. */
export function Legend() {
  const shaded = (isGap: boolean) => incidentSpans.value.some((span) => span.isGap === isGap);
  const { earlier } = selection.value;
  const explains = limits.value.length + incidentSpans.value.length > 0;
  return (
    <div class="legend" data-testid="legend">
      {explains && shown.value.length > 1 && <span>{shown.value[0]!.device}:</span>}
      {limits.value.map(({ label }) => <Explained key={label} swatch="limit">{label}</Explained>)}
      {earlier && shownEarlier.value.length > 0 && <Explained swatch="earlier">{EARLIER[earlier].label}</Explained>}
      {shaded(false) && <Explained swatch="incident">incident open</Explained>}
      {shaded(true) && <Explained swatch="gap">silent</Explained>}
      {shownClockSpans.value.map(({ from, aheadMs }) => (
        <Explained key={from} swatch="clock">times of a clock that was {wrongBy(aheadMs)}</Explained>
      ))}
      {incidentsProblem.value && <span class="chart-note">Incidents could not be loaded: {incidentsProblem.value}.</span>}
    </div>
  );
}

function Explained({ swatch, children }: { swatch: string; children: ComponentChildren }) {
  return <span><span class="swatch" data-swatch={swatch} />{children}</span>;
}

/** The time under the crosshair, or the whole time frame. */
export function TimeOf({ hovered }: { hovered: Point | null }) {
  const nowMs = serverNow();
  if (hovered) {
    const middle = middleOf(hovered);
    const wrong = clockSpanAt(middle, shownClockSpans.value);
    return (
      <>
        <time title={formatUtc(middle)}>{formatMoment(middle, nowMs)}</time>
        {wrong && <span class="chart-note"> by a clock {wrongBy(wrong.aheadMs)}</span>}
      </>
    );
  }
  const { from, to } = frame.value;
  return <span title={`${formatUtc(from)} – ${formatUtc(to)}`}>{formatSpan(from, to, nowMs)}</span>;
}

function middleOf({ from, to }: Point): number {
  return (from + to) / 2;
}

/** The values under the crosshair, for a screen reader. */
export function pointsText(points: (Point | null)[] | null): string {
  const values = shown.value.flatMap(({ key, device }, place) => {
    const point = points?.[place];
    return point ? [{ point, device, mean: quantity(key, point.mean), range: extremes(key, point) }] : [];
  });
  if (values.length === 0) return "no value selected";
  const time = formatMoment(middleOf(values[0]!.point), serverNow());
  if (shown.value.length === 1) return `${time}: mean ${values[0]!.mean}, from ${values[0]!.range}`;
  return `${time}: ${values.map(({ device, mean }) => `${device} ${mean}`).join(", ")}`;
}

/** A value as it is drawn, or the word for it. */
export function quantity(key: string, value: number): string {
  return stateOf(key, value) ?? formatQuantity(value, unitOf(key), digitsOf(key));
}

/** The word for a value of a series with a few states; of a mean, for which part it was on: "57 % open". */
export function stateOf(key: string, value: number): string | null {
  const [metric, unit] = [key.slice(0, key.indexOf("/")), unitOf(key)];
  const words = unit === null ? wordsOf(metric) : null;
  if (words?.length === 2 && value > 0 && value < 1) return `${formatNumber(value * 100, 0)}\u202f% ${words[1]}`;
  return wordFor(metric, value, unit);
}

/** "21.1 to 21.9 °C" */
export function extremes(key: string, { min, max }: Point): string {
  return `${stateOf(key, min) ?? formatQuantity(min, null, digitsOf(key))} to ${quantity(key, max)}`;
}

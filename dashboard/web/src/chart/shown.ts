// The series in the chart, and how each is drawn.

import { computed } from "@preact/signals";
import { keyOf } from "../address/names";
import { front, others } from "../address/state";
import type { SeriesName } from "../api/client";
import { allSeries, seriesOf } from "../live/state";
import { shownIn } from "../ui/unit-preference";
import { asSent, convertDigits, unitSign, type Conversion } from "../ui/units";
import { inOneUnit, scalesOf, type Measured } from "./common-axis";

export interface Shown extends SeriesName {
  key: string;
}

/** The series in the chart, the one in front first. */
export const shown = computed<Shown[]>(() => {
  if (!front.value) return [];
  const all = [front.value, ...others.value].map(({ device, metric }) => ({ device, metric, key: keyOf({ device, metric }) }));
  return all.filter(({ key }, place) => place === 0 || key !== all[0]!.key);
});

/** Changes when other series are shown, but not when the same ones are selected again. */
export const shownKeys = computed(() => JSON.stringify(shown.value.map(({ key }) => key)));

export interface Latest {
  atMs: number;
  value: number;
}

/** The newest reading, once the page knows the series. */
export function latestOf(key: string): Latest | null {
  void allSeries.value;
  const newest = seriesOf(key)?.newest.value;
  return newest ? { atMs: Date.parse(newest.measured_at), value: newest.value } : null;
}

/** The unit that the device sent. */
export function sentUnitOf(key: string): string | null {
  void allSeries.value;
  return seriesOf(key)?.newest.value.unit ?? null;
}

// As a text it changes only with a unit, and not ten times a second with each reading.
const sent = computed(() => JSON.stringify(shown.value.map(({ key, metric }) => ({ key, metric, unit: sentUnitOf(key) }))));

/** How the values of each series are drawn: in the reader's unit, and in one unit where several convert into each other. */
const drawnAs = computed(() => {
  const all: (Measured & { key: string })[] = JSON.parse(sent.value);
  const conversions = inOneUnit(all.map(({ unit }) => shownIn(unit)), all.map(({ unit }) => unit));
  return all.map(({ key, metric }, place) => ({ key, metric, conversion: conversions[place]! }));
});

export function conversionOf(key: string): Conversion {
  return drawnAs.value.find((one) => one.key === key)?.conversion ?? asSent(null);
}

/** The unit in which the values of a series are drawn. */
export function unitOf(key: string): string | null {
  return conversionOf(key).unit;
}

export function digitsOf(key: string): number {
  void allSeries.value;
  return convertDigits(seriesOf(key)?.precision.digits ?? 1, conversionOf(key));
}

const measured = computed(() => JSON.stringify(drawnAs.value.map(({ metric, conversion: { unit } }) => ({ metric, unit }))));

export const scales = computed(() => scalesOf(JSON.parse(measured.value)));

/** Whether a series with this metric and unit would need a third scale. */
export function needsThirdScale(metric: string, unit: string | null): boolean {
  const all: Measured[] = [...JSON.parse(sent.value), { metric, unit }];
  const conversions = inOneUnit(all.map((one) => shownIn(one.unit)), all.map((one) => one.unit));
  return scalesOf(all.map((one, place) => ({ metric: one.metric, unit: conversions[place]!.unit }))).of.at(-1) === null;
}

/** The scales for a sentence: "°C and %". */
export function scaleNames(): string {
  return scales.value.names.map(unitSign).join(" and ");
}

/** The name of the style sheet's colour of a line. */
export function colourOf(place: number): string {
  return `--line-${place + 1}`;
}

/** Shapes in a box from 0 to 12, which distinguish lines without colours; the line in front has none. */
const MARKERS = [
  "",
  "M6 2a4 4 0 1 0 0 8a4 4 0 1 0 0 -8Z",
  "M2.4 2.4h7.2v7.2h-7.2Z",
  "M6 1.4 11 10.2H1Z",
  "M6 .8 11.2 6 6 11.2.8 6Z",
  "M6 10.6 1 1.8h10Z",
  "M4.4 1h3.2v3.4H11v3.2H7.6V11H4.4V7.6H1V4.4h3.4Z",
  "M2.9 1 6 4.1 9.1 1 11 2.9 7.9 6 11 9.1 9.1 11 6 7.9 2.9 11 1 9.1 4.1 6 1 2.9Z",
];

export function markerOf(place: number): string {
  return MARKERS[place] ?? "";
}

// Units as telemetry knows them: which spellings mean one unit, and what converts into what.

import { UNITS } from "./tables";
import { visible } from "./visible";

export interface Unit {
  name: string;
  sign: string;
  dimension: string;
  /** A value times the factor, plus the offset, is in the unit that all of the dimension share. */
  factor: number;
  offset: number;
}

// Units are texts of devices, so this is a map: an object has "toString", too.
const bySpelling = new Map<string, Unit>();
const all: Unit[] = UNITS.map(([name, sign, dimension, factor, offset, spellings]) => {
  const unit = { name, sign, dimension, factor, offset };
  [name, sign, ...spellings].forEach((spelling) => bySpelling.set(spelling, unit));
  return unit;
});

/** The unit that a text means; null where it is none that is known. */
export function unitOf(text: string | null): Unit | null {
  return text === null ? null : (bySpelling.get(text.trim()) ?? null);
}

/** The units of one dimension. */
export function unitsOf(dimension: string): Unit[] {
  return all.filter((unit) => unit.dimension === dimension);
}

/** The sign of a unit, or the text itself where it is none that is known, safe to be written into any text. */
export function unitSign(text: string | null): string {
  return text === null ? "" : (unitOf(text)?.sign ?? visible(text));
}

/** What two levels refer to differs, so they do not convert. */
export function converts(from: Unit, into: Unit): boolean {
  return from === into || (from.dimension === into.dimension && from.dimension !== "Level");
}

/** How values of one unit are shown in another one: `value * factor + offset`. */
export interface Conversion {
  /** What it is shown in: a name of a unit, or the text that the device sent. */
  unit: string | null;
  factor: number;
  offset: number;
}

/** Converts nothing; spellings of one unit become its name. */
export function asSent(sent: string | null): Conversion {
  return { unit: unitOf(sent)?.name ?? sent, factor: 1, offset: 0 };
}

/** Into a unit, where the two convert, or else into nothing else. */
export function conversion(sent: string | null, into: string | null): Conversion {
  const [from, to] = [unitOf(sent), unitOf(into)];
  if (!from || !to || from === to || !converts(from, to)) return asSent(sent);
  return { unit: to.name, factor: from.factor / to.factor, offset: (from.offset - to.offset) / to.factor };
}

/** Sums have errors of binary fractions: 25 °C is 77 °F, not 76.99999999999997. */
const SUM_DIGITS = 1e9;
const LARGEST_SUM = 1e6;

export function convert(value: number, { factor, offset }: Conversion): number {
  const converted = value * factor + offset;
  const isSum = offset !== 0 && Math.abs(converted) < LARGEST_SUM;
  return isSum ? Math.round(converted * SUM_DIGITS) / SUM_DIGITS : converted;
}

const MOST_DECIMALS = 4;

/** How many decimals say as much as `digits` did before: 1013.2 hPa is 29.920 inHg. */
export function convertDigits(digits: number, { factor }: Conversion): number {
  const shift = Math.log10(factor);
  const more = shift < 0 ? Math.round(-shift) : -Math.floor(shift);
  return Math.min(Math.max(MOST_DECIMALS, digits), Math.max(0, digits + more));
}

/** The value in the unit that all of its dimension share, so that values of several units have an order. */
export function baseOf(value: number, sent: string | null): number {
  const unit = unitOf(sent);
  return unit ? value * unit.factor + unit.offset : value;
}

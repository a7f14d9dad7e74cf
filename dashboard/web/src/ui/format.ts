// Times and numbers are written in the reader's own locale and time zone.

import { unitSign } from "./units";

/** The most decimals that a value is written with; smaller values have a power of ten. */
export const MOST_DECIMALS = 4;
const LARGEST_PLAIN = 1e9;

const numberFormats = new Map<number, Intl.NumberFormat>();

export function formatNumber(value: number, digits: number): string {
  const size = Math.abs(value);
  const isTiny = size < 0.5 * 10 ** -digits;
  if (size >= LARGEST_PLAIN || (isTiny && digits >= MOST_DECIMALS && value !== 0)) return formatScientific(value);
  // "-0" is shown as "0".
  return formatPlain(isTiny ? 0 : value, digits);
}

/** With so many decimals, whatever the size. */
export function formatPlain(value: number, digits: number): string {
  let format = numberFormats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    numberFormats.set(digits, format);
  }
  // A minus sign as wide as a digit keeps columns aligned.
  return format.format(value).replace("-", "−");
}

/** With a power of ten, and at most three decimals: "1.5×10³⁰⁸". */
function formatScientific(value: number): string {
  const [short, long] = [value.toExponential(), value.toExponential(3)];
  const [mantissa, power] = (short.length < long.length ? short : long).split("e") as [string, string];
  const [, decimals = ""] = mantissa.replace(/\.?0+$/, "").split(".");
  return formatPower(Number(mantissa), Number(power), decimals.length);
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The number that is `mantissa` times ten to the `power`. */
export function formatPower(mantissa: number, power: number, decimals: number): string {
  const digits = String(power).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!);
  return `${formatPlain(mantissa, decimals)}×10${digits}`;
}

/** A whole number of things. */
export function formatCount(count: number): string {
  return formatPlain(count, 0);
}

export function formatQuantity(value: number, unit: string | null, digits: number): string {
  const sign = unitSign(unit);
  return sign ? `${formatNumber(value, digits)}\u202f${sign}` : formatNumber(value, digits);
}

const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayMonth = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayMonthYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export function formatClock(ms: number): string {
  return clockTime.format(ms);
}

export function formatMinute(ms: number): string {
  return clockMinute.format(ms);
}

/** A day; without the year if that is the present one. */
export function formatDay(ms: number, nowMs: number): string {
  return new Date(ms).getFullYear() === new Date(nowMs).getFullYear() ? dayMonth.format(ms) : dayMonthYear.format(ms);
}

/** The time of day, with the day if that is not today. */
export function formatMoment(ms: number, nowMs: number): string {
  const today = new Date(ms).toDateString() === new Date(nowMs).toDateString();
  return today ? formatClock(ms) : `${formatDay(ms, nowMs)}, ${formatClock(ms)}`;
}

/** A span of time; over several days with both dates and without seconds. */
export function formatSpan(from: number, to: number, nowMs: number): string {
  const inOneDay = new Date(from).toDateString() === new Date(to).toDateString();
  if (inOneDay) return `${formatMoment(from, nowMs)} – ${formatClock(to)}`;
  const moment = (ms: number) => `${formatDay(ms, nowMs)}, ${formatMinute(ms)}`;
  return `${moment(from)} – ${moment(to)}`;
}

/** An instant in UTC: "2026-01-15 10:30:00 UTC". */
export function formatUtc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration in one or two words: "42 s", "3 min 5 s", "2 h 40 min", "6 d 4 h". */
export function formatDuration(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return twoUnits(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return twoUnits(ms, HOUR, "h", MINUTE, "min");
  return twoUnits(ms, DAY, "d", HOUR, "h");
}

function twoUnits(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  const whole = `${Math.floor(ms / big)} ${bigName}`;
  return rest > 0 ? `${whole} ${rest} ${smallName}` : whole;
}

/** For how long something has lasted. It changes every second only in the first minute: "42 s", "3 min", "2 h 40 min". */
export function formatLasting(ms: number): string {
  return formatDuration(ms < MINUTE || ms >= HOUR ? ms : Math.floor(ms / MINUTE) * MINUTE);
}

const YEAR = 365.25 * DAY;

/** The age of a reading, in one unit, as it changes every second and has little room: "3 s ago", "4 min ago", "11 y ago". */
export function formatAge(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  return age < -5 * SECOND ? `${roughly(-age)} ahead` : `${roughly(Math.max(0, age))} ago`;
}

function roughly(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return ms < YEAR ? `${Math.floor(ms / DAY)} d` : `${Math.floor(ms / YEAR)} y`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

// Times and numbers are written in the reader's own locale and time zone.

const UNIT_SIGNS: Record<string, string> = {
  celsius: "°C",
  fahrenheit: "°F",
  kelvin: "K",
  percent: "%",
  pascal: "Pa",
  hectopascal: "hPa",
};

export function unitSign(unit: string | null): string {
  return unit === null ? "" : (UNIT_SIGNS[unit] ?? unit);
}

const numberFormats = new Map<number, Intl.NumberFormat>();

export function formatNumber(value: number, digits: number): string {
  let format = numberFormats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    numberFormats.set(digits, format);
  }
  // A minus sign as wide as a digit keeps columns aligned; "-0" is shown as "0".
  return format.format(Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).replace("-", "−");
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

/** The age of a reading, in one unit, because it changes every second: "3 s ago", "4 min ago", "12 Apr 2014". */
export function formatAge(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < -5 * SECOND) return `${formatDuration(-age)} ahead`;
  if (age < MINUTE) return `${Math.max(0, Math.floor(age / SECOND))} s ago`;
  if (age < HOUR) return `${Math.floor(age / MINUTE)} min ago`;
  if (age < DAY) return `${Math.floor(age / HOUR)} h ago`;
  return age < 30 * DAY ? `${Math.floor(age / DAY)} d ago` : formatDay(ms, nowMs);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

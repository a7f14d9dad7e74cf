// In which units the reader wants values. The browser keeps it; the server knows nothing of it.

import { computed, signal } from "@preact/signals";
import { asSent, conversion, unitOf, type Conversion } from "./units";

export type System = "sent" | "metric" | "imperial";

/** A system, and units of single dimensions that differ from it. */
export interface UnitPreference {
  system: System;
  units: Record<string, string>;
}

const METRIC: Record<string, string> = {
  fahrenheit: "celsius", psi: "kPa", inHg: "hPa", in: "mm", ft: "m", mi: "km", mph: "km/h", gal: "l", ft3: "m3",
  "gal/min": "l/min", lb: "kg", oz: "g", "in/h": "mm/h", BTU: "kWh",
};

const IMPERIAL: Record<string, string> = {
  celsius: "fahrenheit", hPa: "inHg", mbar: "inHg", kPa: "psi", bar: "psi", mm: "in", cm: "in", m: "ft", km: "mi", "m/s": "mph",
  "km/h": "mph", l: "gal", m3: "ft3", "l/min": "gal/min", kg: "lb", g: "oz", "mm/h": "in/h",
};

const SYSTEMS: Record<System, Record<string, string>> = { sent: {}, metric: METRIC, imperial: IMPERIAL };

/** What of each dimension can be chosen. */
export const CHOICES: Record<string, string[]> = {
  Temperature: ["celsius", "fahrenheit", "kelvin"],
  Pressure: ["hPa", "mbar", "kPa", "bar", "Pa", "inHg", "mmHg", "psi"],
  Speed: ["m/s", "km/h", "mph", "kn"],
  Length: ["mm", "cm", "m", "km", "in", "ft", "mi"],
  Precipitation: ["mm/h", "in/h"],
  Volume: ["l", "m3", "gal", "ft3"],
  Flow: ["l/min", "l/h", "m3/h", "gal/min"],
  Mass: ["g", "kg", "oz", "lb"],
  Power: ["W", "kW"],
  Energy: ["Wh", "kWh", "MWh", "kJ", "MJ"],
};

const KEY = "millrace.units";
const DEFAULT: UnitPreference = { system: "sent", units: {} };

export const unitPreference = signal(read());

export function preferUnits(preference: UnitPreference): void {
  unitPreference.value = preference;
  try {
    localStorage.setItem(KEY, JSON.stringify(preference));
  } catch {
    // Private windows may keep nothing; the choice holds until the page is closed.
  }
}

function read(): UnitPreference {
  try {
    return preferenceFrom(globalThis.localStorage?.getItem(KEY) ?? null);
  } catch {
    return DEFAULT;
  }
}

/** What was kept, as far as it is understood. */
export function preferenceFrom(kept: string | null): UnitPreference {
  try {
    const { system, units } = JSON.parse(kept ?? "{}") as Partial<UnitPreference>;
    const chosen = Object.entries(units ?? {}).filter(([dimension, unit]) => Object.hasOwn(CHOICES, dimension) && CHOICES[dimension]!.includes(unit));
    return { system: Object.hasOwn(SYSTEMS, system ?? "") ? system! : "sent", units: Object.fromEntries(chosen) };
  } catch {
    return DEFAULT;
  }
}

/** How values of a unit are shown under a preference. */
export function preferred(sent: string | null, { system, units }: UnitPreference): Conversion {
  const unit = unitOf(sent);
  if (!unit) return asSent(sent);
  const systems = SYSTEMS[system];
  return conversion(sent, units[unit.dimension] ?? (Object.hasOwn(systems, unit.name) ? systems[unit.name]! : unit.name));
}

// Readings come ten times a second, and are of few units.
const cache = computed(() => {
  const preference = unitPreference.value;
  const found = new Map<string | null, Conversion>();
  return (sent: string | null): Conversion => {
    let known = found.get(sent);
    if (!known) {
      known = preferred(sent, preference);
      if (found.size < 1000) found.set(sent, known);
    }
    return known;
  };
});

/** How values of a unit are shown to this reader. */
export function shownIn(sent: string | null): Conversion {
  return cache.value(sent);
}

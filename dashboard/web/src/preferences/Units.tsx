import { allSeries } from "../live/state";
import { Dialog } from "../ui/Dialog";
import { CHOICES, preferUnits, unitPreference, type System } from "../ui/unit-preference";
import { unitOf, unitSign } from "../ui/units";
import "./units.css";

const SYSTEMS: Record<System, string> = { sent: "As sent", metric: "Metric", imperial: "Imperial" };

/** The dialog in which the reader says in which units to show values. */
export function Units() {
  const { system, units } = unitPreference.value;
  const choose = (dimension: string, unit: string) => {
    const { [dimension]: _, ...others } = units;
    preferUnits({ system, units: unit === "" ? others : { ...others, [dimension]: unit } });
  };
  return (
    <Dialog name="units" title="Units">
      {() => (
        <>
          <p class="view-note">How this browser shows values. What is stored, downloaded and mailed stays as the devices send it.</p>
          <div class="switch" role="group" aria-label="System of units">
            {(Object.keys(SYSTEMS) as System[]).map((name) => (
              <button key={name} type="button" aria-pressed={system === name} data-system={name} onClick={() => preferUnits({ system: name, units })}>{SYSTEMS[name]}</button>
            ))}
          </div>
          <div class="units">
            {present().map((dimension) => (
              <label key={dimension}>
                {dimension}
                <select value={units[dimension] ?? ""} onChange={(event) => choose(dimension, event.currentTarget.value)} data-dimension={dimension}>
                  <option value="">{SYSTEMS[system]}</option>
                  {CHOICES[dimension]!.map((unit) => <option key={unit} value={unit}>{unitSign(unit)}</option>)}
                </select>
              </label>
            ))}
          </div>
        </>
      )}
    </Dialog>
  );
}

/** The dimensions of the values on the page, of those that have a choice; and those that were chosen. */
function present(): string[] {
  const sent = new Set(allSeries.value.map(({ newest }) => newest.peek().unit));
  const there = new Set([...sent].map((unit) => unitOf(unit)?.dimension));
  const found = Object.keys(CHOICES).filter((dimension) => there.has(dimension) || dimension in unitPreference.value.units);
  return found.length > 0 ? found : Object.keys(CHOICES);
}

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { MOST_SENSORS } from "../address/selection";
import { needsThirdScale, scaleWords, shown } from "./shown";
import { choose, others } from "../address/choice";
import { unitSign } from "../ui/format";
import { matcher } from "../address/names";
import { sensors, type Sensor } from "../live/state";

/** More than anybody reads; a few letters leave fewer. */
const MOST_LISTED = 50;

/** Finds a sensor and puts it into the chart. It stays open for another one. */
export function Picker({ close }: { close(): void }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const found = candidates(text);
  const listed = found.slice(0, MOST_LISTED);
  const at = Math.min(active, listed.length - 1);
  const full = shown.value.length >= MOST_SENSORS;
  const handleKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key === "Enter") add(listed[at]);
    else if (event.key in steps) setActive(Math.max(0, Math.min(listed.length - 1, at + steps[event.key]!)));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div class="picker-head">
        <input
          type="search"
          role="combobox"
          list={undefined}
          aria-label="Add a sensor to the chart"
          aria-expanded="true"
          aria-controls="picker-list"
          aria-activedescendant={listed[at] && !full ? `pick-${at}` : undefined}
          placeholder="Find a sensor"
          value={text}
          disabled={full}
          onInput={(event) => (setText(event.currentTarget.value), setActive(0))}
          onKeyDown={handleKey}
        />
        <button class="button" onClick={close}>Done</button>
      </div>
      <p class="picker-note" aria-live="polite">{noteOf(found.length, full, text)}</p>
      <ul id="picker-list" role="listbox" aria-label="Sensors">
        {!full && listed.map((sensor, index) => (
          <Option key={sensor.key} sensor={sensor} index={index} active={index === at} pick={() => add(sensor)} />
        ))}
      </ul>
    </>
  );
}

function add(sensor: Sensor | undefined): void {
  if (!sensor || shown.peek().length >= MOST_SENSORS || lacksScale(sensor)) return;
  choose({ others: [...others.peek(), { device: sensor.device, metric: sensor.metric }] });
}

function noteOf(found: number, full: boolean, text: string): string {
  if (full) return `${MOST_SENSORS} sensors are the most that can be told apart.`;
  if (found === 0) return text.trim() ? `No other sensor matches “${text.trim()}”.` : "There is no other sensor.";
  return found > MOST_LISTED ? `${MOST_LISTED} of ${found.toLocaleString()}: type to find others.` : "";
}

function Option({ sensor, index, active, pick }: { sensor: Sensor; index: number; active: boolean; pick(): void }) {
  const element = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (active) element.current!.scrollIntoView({ block: "nearest", behavior: "instant" });
  }, [active]);
  const lacks = lacksScale(sensor);
  const { unit } = sensor.newest.peek();
  return (
    <li
      ref={element}
      id={`pick-${index}`}
      role="option"
      aria-selected={active}
      aria-disabled={lacks}
      data-testid="pick"
      data-sensor={sensor.key}
      // The focus stays where the reader types.
      onMouseDown={(event) => event.preventDefault()}
      onClick={pick}
    >
      <span class="pick-device">{sensor.device}</span>
      <span class="pick-metric">{sensor.metric}{unit !== null && ` in ${unitSign(unit)}`}</span>
      {lacks && <span class="pick-why">no third scale beside {scaleWords()}</span>}
    </li>
  );
}

function lacksScale(sensor: Sensor): boolean {
  return needsThirdScale(sensor.metric, sensor.newest.peek().unit);
}

/** Those of the same metric first, each in the order of names. */
function candidates(text: string): Sensor[] {
  const taken = new Set(shown.value.map(({ key }) => key));
  const metric = shown.value[0]?.metric;
  const matches = matcher(text);
  const found = sensors.value.filter((sensor) => !taken.has(sensor.key) && matches(sensor));
  return [...found.filter((sensor) => sensor.metric === metric), ...found.filter((sensor) => sensor.metric !== metric)];
}

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { matcher } from "../address/names";
import { select } from "../address/navigate";
import { MOST_SERIES } from "../address/selection";
import { others } from "../address/state";
import { allSeries, type Series } from "../live/state";
import { formatCount } from "../ui/format";
import { unitSign } from "../ui/units";
import { visible } from "../ui/visible";
import { needsThirdScale, scaleNames, shown } from "./shown";

/** A longer list would not be read; a few letters shorten it. */
const MOST_LISTED = 50;

/** Finds a sensor and adds it to the chart. It stays open for another one. */
export function Picker({ close }: { close(): void }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const found = candidates(text);
  const rows = found.slice(0, MOST_LISTED);
  const at = Math.min(active, rows.length - 1);
  const full = shown.value.length >= MOST_SERIES;
  const handleKey = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key === "Enter") add(rows[at]);
    else if (event.key in steps) setActive(Math.max(0, Math.min(rows.length - 1, at + steps[event.key]!)));
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
          aria-activedescendant={rows[at] && !full ? `pick-${at}` : undefined}
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
        {!full && rows.map((series, index) => (
          <Option key={series.key} series={series} index={index} active={index === at} pick={() => add(series)} />
        ))}
      </ul>
    </>
  );
}

function add(series: Series | undefined): void {
  if (!series || shown.peek().length >= MOST_SERIES || lacksScale(series)) return;
  select({ others: [...others.peek(), { device: series.device, metric: series.metric }] });
}

function noteOf(found: number, full: boolean, text: string): string {
  if (full) return `The chart shows at most ${MOST_SERIES} sensors.`;
  if (found === 0) return text.trim() ? `No other sensor matches “${visible(text.trim())}”.` : "There are no other sensors.";
  return found > MOST_LISTED ? `${MOST_LISTED} of ${formatCount(found)}: type to narrow the list.` : "";
}

function Option({ series, index, active, pick }: { series: Series; index: number; active: boolean; pick(): void }) {
  const element = useRef<HTMLLIElement>(null);
  useLayoutEffect(() => {
    if (active) element.current!.scrollIntoView({ block: "nearest", behavior: "instant" });
  }, [active]);
  const lacks = lacksScale(series);
  const { unit } = series.newest.peek();
  return (
    <li
      ref={element}
      id={`pick-${index}`}
      role="option"
      aria-selected={active}
      aria-disabled={lacks}
      data-testid="pick"
      data-series={series.key}
      // The focus stays where the reader types.
      onMouseDown={(event) => event.preventDefault()}
      onClick={pick}
    >
      <span class="pick-device">{series.device}</span>
      <span class="pick-metric">{series.metric}{unit !== null && ` in ${unitSign(unit)}`}</span>
      {lacks && <span class="pick-why">no third scale beside {scaleNames()}</span>}
    </li>
  );
}

function lacksScale(series: Series): boolean {
  return needsThirdScale(series.metric, series.newest.peek().unit);
}

/** Series of the same metric come first; each part is ordered by name. */
function candidates(text: string): Series[] {
  const taken = new Set(shown.value.map(({ key }) => key));
  const metric = shown.value[0]?.metric;
  const matches = matcher(text);
  const found = allSeries.value.filter((series) => !taken.has(series.key) && matches(series));
  return [...found.filter((series) => series.metric === metric), ...found.filter((series) => series.metric !== metric)];
}

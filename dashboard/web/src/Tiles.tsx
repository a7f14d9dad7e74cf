import { computed, signal } from "@preact/signals";
import { openAlerts, sensors, type Sensor } from "./state";
import { Tile } from "./Tile";

/** With many sensors the page lists them beside the chart, in small tiles. */
export const many = computed(() => sensors.value.length > 8);

/** With more than one looks through, it offers a filter. */
export const filterable = computed(() => sensors.value.length > 12);

/** Words that a sensor's device, metric, state or alert has to contain. */
export const filter = signal("");

const passing = computed(() => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 || !filterable.value) return sensors.value;
  return sensors.value.filter((sensor) => {
    const text = describe(sensor);
    return words.every((word) => text.includes(word));
  });
});

function describe(sensor: Sensor): string {
  const alert = openAlerts.value.get(sensor.key);
  const { device, metric, newest } = sensor;
  return `${device} ${metric} ${newest.value.state} ${alert ? `alert ${alert.rule}` : ""}`.toLowerCase();
}

export function Tiles() {
  const shown = passing.value;
  return (
    <section id="sensors" class="sensors" aria-label="Sensors">
      {filterable.value && <Filter shown={shown.length} />}
      <div class="tiles" data-many={many.value} style={`--columns:${columnsFor(shown.length)}`} onKeyDown={moveFocus}>
        {shown.map((sensor) => <Tile key={sensor.key} sensor={sensor} />)}
      </div>
      {shown.length === 0 && <p class="nothing">No sensor matches “{filter.value}”.</p>}
    </section>
  );
}

/** So many columns that the last row is not left with a single tile. */
function columnsFor(tiles: number): number {
  if (tiles <= 4) return tiles;
  return tiles <= 6 ? 3 : 4;
}

function Filter({ shown }: { shown: number }) {
  return (
    <div class="filter">
      <input
        type="search"
        aria-label="Filter sensors by name, metric or state"
        placeholder="Filter by name, metric or state"
        value={filter.value}
        onInput={(event) => (filter.value = event.currentTarget.value)}
      />
      <span class="filter-count">{shown} of {sensors.value.length}</span>
    </div>
  );
}

/** Arrow keys move between tiles as the eye does: along a row, and to the tile below or above. */
function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>(".tile")];
  const index = tiles.indexOf(document.activeElement as HTMLElement);
  const columns = tiles.filter((tile) => tile.offsetTop === tiles[0]?.offsetTop).length;
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const step = steps[event.key];
  if (step === undefined || index < 0) return;
  event.preventDefault();
  tiles[index + step]?.focus();
}

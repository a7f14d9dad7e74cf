import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { incidents, limits } from "./chart-alerts";
import { frame, loaded, loading, problem, room, roomIn, shownPoints, zoomAround, zoomTo } from "./chart-data";
import { choice, choose, chosen, chosenKey, chosenSensor, RANGES, type RangeName } from "./choice";
import { serverNow } from "./clock";
import { formatMoment, unitSign } from "./format";
import { toColumns, type Columns } from "./history";
import { createPlot, type Plot } from "./plot";
import { Legend, Readout, pointText } from "./Readout";
import { known } from "./state";

/** The column under the crosshair. */
const hovered = signal<number | null>(null);
const columns = signal<Columns | null>(null);

/** The history of the chosen sensor. */
export function Chart() {
  const target = chosen.value;
  if (!target) return null;
  const { zoom } = choice.value;
  const unit = chosenSensor.value?.newest.value.unit ?? null;
  return (
    <section id="chart" class="panel chart" aria-labelledby="chart-title">
      <div class="chart-head">
        <div class="chart-title">
          <h2 id="chart-title">{target.device}</h2>
          <p>{target.metric}{unit !== null && <> in {unitSign(unit)}</>}</p>
        </div>
        {zoom && <button class="button" onClick={() => choose({ zoom: null })}>Reset zoom</button>}
        <Ranges />
      </div>
      <Readout hovered={hovered.value === null ? null : (columns.value?.points[hovered.value] ?? null)} />
      <Canvas />
      <div class="chart-foot">
        <Note />
        <Legend />
      </div>
    </section>
  );
}

function Ranges() {
  const { range, zoom } = choice.value;
  return (
    <div class="ranges" role="group" aria-label="Range">
      {(Object.keys(RANGES) as RangeName[]).map((name) => (
        <button
          key={name}
          aria-pressed={!zoom && range === name}
          data-range={name}
          onClick={() => choose({ range: name, zoom: null })}
        >
          {RANGES[name].label}
        </button>
      ))}
    </div>
  );
}

function Canvas() {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  useEffect(() => {
    const drawn = createPlot(element.current!, {
      onHover: (column) => (hovered.value = column),
      onZoom: zoomTo,
      onReset: () => choose({ zoom: null }),
    });
    plot.current = drawn;
    const stopDrawing = effect(() => drawn.show(currentView()));
    const stopResizing = keepSize(element.current!, drawn);
    return () => [stopDrawing, stopResizing, drawn.destroy].forEach((stop) => stop());
  }, []);
  const count = shownPoints.value.length;
  return (
    <div
      class="canvas"
      data-testid="chart"
      data-points={count}
      tabIndex={0}
      role="slider"
      aria-label={`History of ${chosenKey.value}. Arrow keys read values, plus and minus zoom, Escape goes back.`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, (columns.value?.points.length ?? 0) - 1)}
      aria-valuenow={hovered.value ?? 0}
      aria-valuetext={pointText(hovered.value === null ? null : (columns.value?.points[hovered.value] ?? null))}
      aria-busy={loading.value}
      onBlur={() => plot.current?.unpoint()}
      onKeyDown={(event) => handleKey(event, plot.current!)}
    >
      <div class="canvas-plot" ref={element} />
      {count === 0 && <Nothing />}
    </div>
  );
}

function currentView() {
  const shown = toColumns(shownPoints.value, frame.value, incidents.value.filter(({ isGap }) => isGap));
  columns.value = shown;
  return {
    columns: shown,
    frame: frame.value,
    digits: chosenSensor.value?.precision.digits ?? 0,
    incidents: incidents.value,
    limits: limits.value,
  };
}

function keepSize(element: HTMLElement, plot: Plot): () => void {
  const observer = new ResizeObserver(() => {
    plot.resize(element.clientWidth, element.clientHeight);
    room.value = roomIn(element.clientWidth);
  });
  observer.observe(element);
  return () => observer.disconnect();
}

function handleKey(event: KeyboardEvent, plot: Plot): void {
  const last = (columns.peek()?.points.length ?? 0) - 1;
  const at = hovered.peek() ?? last;
  const middle = columns.peek()?.points[at]?.from ?? (frame.peek().from + frame.peek().to) / 2;
  const actions: Record<string, () => void> = {
    ArrowLeft: () => plot.point(Math.max(0, at - 1)),
    ArrowRight: () => plot.point(Math.min(last, at + 1)),
    Home: () => plot.point(0),
    End: () => plot.point(last),
    "+": () => zoomAround(middle, 0.5),
    "-": () => zoomAround(middle, 2),
    Escape: () => choose({ zoom: null }),
  };
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  action();
}

/** Says why there is nothing to see, and the way to something. */
function Nothing() {
  const newest = chosenSensor.value?.newest.value;
  if (problem.value) return <p class="canvas-message">History could not be loaded: {problem.value}. Trying again…</p>;
  if (loading.value || !loaded.value) return null;
  if (!newest) {
    return known.value ? <p class="canvas-message">No sensor called {chosenKey.value} has sent a reading yet.</p> : null;
  }
  return (
    <div class="canvas-message">
      <p>No readings in this time.</p>
      <button class="button" onClick={() => choose({ range: "all", zoom: null })}>Show all readings</button>
    </div>
  );
}

/** A range usually ends now and has its full length. When not, the reader has to know. */
function Note() {
  const newest = chosenSensor.value?.newest.value;
  const { endsAtNewest, beginsAtFirst } = frame.value;
  if (newest && endsAtNewest) {
    const at = formatMoment(Date.parse(newest.measured_at), serverNow());
    return <p class="chart-note">Ends at this sensor’s newest reading, {at}, not now.</p>;
  }
  if (beginsAtFirst) return <p>Begins with this sensor’s first reading.</p>;
  return <p class="chart-hint">Drag across the chart to zoom in.</p>;
}

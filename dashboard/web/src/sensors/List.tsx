import { computed, effect, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { changeRows } from "../address/navigate";
import { fold, isClosed } from "../address/rows-view";
import { rowsView } from "../address/state";
import type { Series } from "../live/state";
import { GroupHead } from "./GroupHead";
import { groupAbove, lineAt, move, scrollTo, spotOf, type Line, type Spot } from "./layout";
import { Row, TableHead } from "./Row";
import { isPlaced, layout, many, measures, resize, room, rowsViewKey, scrolled } from "./rows";
import { heightOf, scrollTopOf, setScrollTop } from "./scroller";
import { Tile } from "./Tile";

/** Pixels above and below the visible part that are drawn too, so that scrolling finds them ready. */
const AHEAD = 300;

// Only whole lines count, so scrolling within a line draws nothing.
const firstLine = computed(() => (many.value ? lineAt(layout.value.lines, scrolled.value - AHEAD) : 0));
const lastLine = computed(() => {
  const { lines } = layout.value;
  const reach = many.value ? scrolled.value + room.value.height + AHEAD : Infinity;
  return Math.min(lines.length - 1, lineAt(lines, reach));
});

/** The group whose heading is scrolled out of sight; its name is pinned to the top. */
const passed = computed(() => {
  if (!many.value || scrolled.value === 0) return null;
  return groupAbove(layout.value.lines, scrolled.value + measures.value.groupHeight - 1);
});

/** The item that the Tab key reaches; arrow keys move it. */
const active = signal<string | null>(null);
const activeSpot = computed(() => (active.value === null ? null : spotOf(layout.value.lines, active.value, itemKey)));
let isFocusWanted = false;

/** The sensors as tiles or as a table, with the headings of their groups. */
export function List() {
  const frame = useRef<HTMLDivElement>(null);
  const held = frame.current?.querySelector(".list-inside")?.contains(document.activeElement) ?? false;
  useEffect(() => follow(frame.current!), []);
  useLayoutEffect(() => keepFocus(frame.current!, held));
  const table = rowsView.value.view === "table";
  const { lines, height, count } = layout.value;
  const role = table ? ({ role: "grid", "aria-label": "Sensors", "aria-rowcount": lines.length + 1 } as const) : {};
  return (
    <div ref={frame} class="list" data-view={rowsView.value.view} data-testid="list" {...role} onKeyDown={handleKey} onFocusIn={noteFocus}>
      {table && <TableHead />}
      {passed.value && <div class="pinned" aria-hidden="true"><p data-testid="pinned">{passed.value.path}</p></div>}
      <div
        class="list-inside"
        role={table ? "rowgroup" : "list"}
        aria-label={table ? undefined : "Sensors"}
        data-placed={isPlaced.value}
        style={isPlaced.value ? { height: `${height}px` } : { "--columns": measures.value.columns }}
      >
        {linesToDraw(held).flatMap(({ line, index, stop }) => itemsOf(line, index, stop, count))}
      </div>
    </div>
  );
}

/** The visible lines, and the one with the keyboard's focus wherever it is, as the focus must not be lost. */
function linesToDraw(held: boolean): { line: Line<Series>; index: number; stop: string | null }[] {
  const { lines } = layout.value;
  const [first, last, spot] = [firstLine.value, lastLine.value, activeSpot.value];
  const indices = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  const isApart = spot !== null && (spot.line < first || spot.line > last);
  if (isApart && held) indices.push(spot.line);
  const seen = lines[lineAt(lines, scrolled.peek())] ?? lines[0];
  const stop = spot && (held || !isApart) ? active.value : seen ? itemKey(seen, 0) : null;
  return indices.map((index) => ({ line: lines[index]!, index, stop }));
}

function itemsOf(line: Line<Series>, index: number, stop: string | null, count: number) {
  const top = isPlaced.value ? line.top : null;
  if (line.kind === "group") {
    const key = itemKey(line, 0);
    const place = { top, index, position: line.before + 1, count };
    return [<GroupHead key={key} group={line.group} stop={key === stop} {...place} />];
  }
  if (rowsView.value.view === "table") {
    const place = { top: line.top, height: line.height, index };
    return line.items.map((series) => (
      <Row key={series.key} series={series} skip={line.levels} stop={series.key === stop} {...place} />
    ));
  }
  return line.items.map((series, column) => (
    <Tile
      key={series.key}
      series={series}
      skip={line.levels}
      top={top}
      column={column}
      stop={series.key === stop}
      position={line.before + column + 1}
      count={count}
    />
  ));
}

function itemKey(line: Line<Series>, column: number): string {
  return line.kind === "group" ? `group:${line.group.path}` : line.items[column]!.key;
}

/** Follows the scroll position and the size of the list. */
function follow(frame: HTMLElement): () => void {
  const inside = frame.querySelector<HTMLElement>(".list-inside")!;
  const measure = () => resize(inside.clientWidth, heightOf(frame));
  const scroll = () => (scrolled.value = scrollTopOf(frame));
  const observer = new ResizeObserver(measure);
  [frame, inside].forEach((element) => observer.observe(element));
  const scrollers = [frame, window];
  scrollers.forEach((scroller) => scroller.addEventListener("scroll", scroll, { passive: true }));
  scroll();
  const stop = effect(() => {
    void rowsViewKey.value;
    setScrollTop(frame, 0);
  });
  const ignore = () => scrollers.forEach((scroller) => scroller.removeEventListener("scroll", scroll));
  return () => [stop, ignore, () => observer.disconnect()].forEach((end) => end());
}

function noteFocus(event: FocusEvent): void {
  const key = (event.target as HTMLElement).dataset.item;
  if (key !== undefined) active.value = key;
}

function handleKey(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const item = event.target as HTMLElement;
  const from = item.dataset.item === undefined ? { line: -1, column: 0 } : activeSpot.peek();
  if (!from) return;
  if (event.key === " " && item.tagName === "A") {
    event.preventDefault();
    return item.click();
  }
  const { lines } = layout.peek();
  if (folded(lines[from.line], event.key)) return event.preventDefault();
  const to = from.line < 0 ? fromHead(event.key, lines) : move(lines, from, event.key, room.peek().height);
  if (!to) return;
  event.preventDefault();
  goTo(event.currentTarget, lines[to.line]!, to);
}

/** From the head of the table down to the first visible row. */
function fromHead(key: string, lines: Line<Series>[]): Spot | null {
  const line = Math.min(lines.length - 1, lineAt(lines, scrolled.peek()));
  return key === "ArrowDown" && line >= 0 ? { line, column: 0 } : null;
}

/** On a heading, the arrow keys left and right close and open its group, as in any tree. */
function folded(line: Line<Series> | undefined, key: string): boolean {
  if (line?.kind !== "group") return false;
  const { folds } = rowsView.peek();
  const closed = isClosed(folds, line.group.path);
  if (key !== (closed ? "ArrowRight" : "ArrowLeft")) return false;
  changeRows({ folds: fold(folds, line.group.path) });
  return true;
}

function goTo(frame: HTMLElement, line: Line<Series>, spot: Spot): void {
  isFocusWanted = true;
  active.value = itemKey(line, spot.column);
  if (!many.peek()) return;
  const covered = line.kind === "items" && line.levels > 0 ? measures.peek().groupHeight : 0;
  setScrollTop(frame, scrollTo(line, scrollTopOf(frame), room.peek().height, covered));
  scrolled.value = scrollTopOf(frame);
}

/** Moves the focus where an arrow key led, and restores it when a new order removed its item from the page. */
function keepFocus(frame: HTMLElement, held: boolean): void {
  const isLost = held && !frame.contains(document.activeElement);
  if (!isFocusWanted && !isLost) return;
  isFocusWanted = false;
  const items = [...frame.querySelectorAll<HTMLElement>("[data-item]")];
  const item = items.find(({ dataset }) => dataset.item === active.peek()) ?? items.find(({ tabIndex }) => tabIndex === 0);
  item?.focus({ preventScroll: many.peek() });
}

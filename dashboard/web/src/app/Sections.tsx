import { computed, effect, signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { selection } from "../address/state";
import { SECTIONS, sectionWanted, type SectionName } from "../address/view";
import { known, openCount } from "../live/state";
import { formatCount } from "../ui/format";

/** What a page opens with that names neither a section nor a sensor. It stays when incidents come and go. */
const first = signal<SectionName | null>(null);

effect(() => {
  if (known.value) first.value ??= openCount.peek() > 0 ? "incidents" : "sensors";
});

/** The section that a phone shows. A link to a sensor shows its chart. */
export const section = computed<SectionName>(() => sectionWanted.value ?? (selection.value.series ? "chart" : (first.value ?? "sensors")));

/** On phones the sections of the overview stand behind tabs. */
export function Sections() {
  const tabs = useRef<HTMLElement>(null);
  const shown = section.value;
  // The next section begins at its top, as far as the header was scrolled away.
  useLayoutEffect(() => scrollTo({ top: Math.min(scrollY, tabs.current!.parentElement!.offsetTop), behavior: "instant" }), [shown]);
  return (
    <nav ref={tabs} class="tabs" aria-label="Sections">
      {(Object.keys(SECTIONS) as SectionName[]).map((name) => (
        <a key={name} href={`#${name}`} aria-current={shown === name}>
          {SECTIONS[name]}
          {name === "incidents" && openCount.value > 0 && <span class="tabs-count">{formatCount(openCount.value)}</span>}
        </a>
      ))}
    </nav>
  );
}

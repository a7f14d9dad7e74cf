import { useEffect, useRef } from "preact/hooks";
import { isRejectedWanted } from "../address/view";
import { may } from "../live/caller";
import { formatCount, plural } from "../ui/format";
import { Text } from "../ui/Text";
import { groupsLike, idOf } from "./rejected";
import { done, groups, keepLoaded, problem, since, SINCE, text } from "./rejected-list";
import { RejectedGroup } from "./RejectedGroup";
import "./rejected.css";

/** The payloads that could not be read, each with the reason, which is what the maker of a device needs first. */
export function RejectedList({ isLoaded }: { isLoaded: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(keepLoaded, []);
  useEffect(() => {
    if (isRejectedWanted.value) heading.current?.focus({ preventScroll: true });
  }, [isRejectedWanted.value]);
  // Content that was loaded above may have pushed it out of sight.
  useEffect(() => {
    if (document.activeElement === heading.current) heading.current?.scrollIntoView({ behavior: "instant" });
  }, [isRejectedWanted.value, isLoaded]);
  return (
    <section class="panel" aria-labelledby="rejected-title">
      <div class="view-head">
        <h2 id="rejected-title" ref={heading} tabIndex={-1}>Rejected payloads</h2>
        <Since />
      </div>
      <p class="unseen" role="status">{done.value}</p>
      {problem.value && <p class="problem" role="alert">The list could not be loaded: <Text of={problem.value} />.</p>}
      <List />
    </section>
  );
}

function Since() {
  return (
    <div class="view-tools">
      <div class="switch" role="group" aria-label="Received within">
        {(Object.keys(SINCE) as (keyof typeof SINCE)[]).map((name) => (
          <button key={name} aria-pressed={since.value === name} onClick={() => (since.value = name)}>{SINCE[name].label}</button>
        ))}
      </div>
    </div>
  );
}

function List() {
  const all = groups.value;
  if (!all) return problem.value ? null : <p class="nothing">Loading…</p>;
  if (all.length === 0) return <p class="nothing">{since.value === "all" ? "No rejected payloads" : "No rejected payloads in this time range"}</p>;
  const found = groupsLike(all, text.value);
  return (
    <>
      <p class="view-note">
        They are stored unchanged.
        {may("resend") && <> Fix one and resend it: it is then processed like any other reading, with the time at
        which it first arrived. Dismiss what is not needed: it is deleted.</>}
      </p>
      {(all.length > 1 || text.value !== "") && (
        <div class="ledger-tools">
          <input
            type="search"
            aria-label="Filter rejected payloads by topic or reason"
            placeholder="Filter by topic or reason"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
          <p data-testid="rejected-groups-count">{countText(found.length, all.length)}</p>
        </div>
      )}
      <ol class="rejected-list">{found.map((group) => <RejectedGroup key={idOf(group)} group={group} />)}</ol>
      {found.length === 0 && <p class="nothing">No matching payloads</p>}
    </>
  );
}

function countText(found: number, all: number): string {
  return found === all ? plural(all, "group") : `${formatCount(found)} of ${plural(all, "group")}`;
}

import { effect, signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { isRejectedWanted } from "../address/view";
import { fetchRejected, type Rejected, type Resent } from "../api/client";
import { generation, rejectedCount } from "../live/state";
import { plural } from "../ui/format";
import { DoneShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { Resend } from "./Resend";

const FIRST_ASKED = 100;
const MORE = 400;
const RELOAD_MS = 1000;
const LONGEST_EXCERPT = 300;

const rejected = signal<Rejected[] | null>(null);
const problem = signal<string | null>(null);
const most = signal(FIRST_ASKED);
const done = signal("");

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
      <h2 id="rejected-title" ref={heading} tabIndex={-1}>Rejected payloads</h2>
      <p class="unseen" role="status">{done.value}</p>
      {problem.value && <p class="problem" role="alert">The list could not be loaded: {problem.value}.</p>}
      <List />
    </section>
  );
}

/** Reloads when the count changes, but at most once a second, however many bad payloads a device sends. */
function keepLoaded(): () => void {
  let timer = 0;
  let askedAt = -Infinity;
  const stop = effect(() => {
    void [rejectedCount.value, generation.value, most.value];
    clearTimeout(timer);
    const ask = () => ((askedAt = performance.now()), void load());
    timer = window.setTimeout(ask, Math.max(0, askedAt + RELOAD_MS - performance.now()));
  });
  return () => [stop, () => clearTimeout(timer)].forEach((end) => end());
}

async function load(): Promise<void> {
  try {
    rejected.value = await fetchRejected(most.peek());
    problem.value = null;
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

function List() {
  const shown = rejected.value;
  if (!shown) return problem.value ? null : <p class="nothing">Loading…</p>;
  if (shown.length === 0) return <p class="nothing">No rejected payloads</p>;
  return (
    <>
      <p class="view-note">
        They are stored unchanged. Fix one and resend it: it is then processed like any other reading, with the time at
        which it first arrived.
      </p>
      <ol class="rejected-list">{shown.map((one) => <Row key={one.id} one={one} />)}</ol>
      {shown.length >= most.value && <button class="button" onClick={() => (most.value += MORE)}>Show older payloads</button>}
    </>
  );
}

function Row({ one }: { one: Rejected }) {
  const [open, setOpen] = useState(false);
  const row = useRef<HTMLLIElement>(null);
  const close = () => {
    setOpen(false);
    row.current?.querySelector<HTMLElement>("[data-resend]")?.focus();
  };
  const finish = ({ readings, resent_at }: Resent) => {
    setOpen(false);
    rejected.value = rejected.peek()?.map((other) => (other === one ? { ...one, resent_at } : other)) ?? null;
    done.value = `Resent: ${plural(readings, "reading")} of ${one.topic} stored.`;
    row.current?.focus();
  };
  const isResendable = !one.resent_at;
  return (
    <li ref={row} tabIndex={-1} data-testid="rejected" data-resent={Boolean(one.resent_at)}>
      <div class="rejected-line">
        <When at={one.received_at} />
        <strong><Text of={one.topic} /></strong>
        {one.resent_at && <span class="rejected-resent"><DoneShape />resent <When at={one.resent_at} /></span>}
        {isResendable && (
          <button class="button" data-resend aria-expanded={open} aria-label={`Resend the payload of ${one.topic}`} onClick={() => setOpen(!open)}>
            Resend…
          </button>
        )}
      </div>
      <p class="rejected-reason"><Text of={one.reason} /></p>
      {open ? <Resend one={one} close={close} finish={finish} /> : <pre tabIndex={0} aria-label="Payload"><Text of={excerpt(one.payload)} lines /></pre>}
    </li>
  );
}

function excerpt(payload: string): string {
  if (payload === "") return "(empty)";
  return payload.length > LONGEST_EXCERPT ? `${payload.slice(0, LONGEST_EXCERPT)}…` : payload;
}

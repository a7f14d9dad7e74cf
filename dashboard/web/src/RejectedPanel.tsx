import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { fetchRejected, type Rejected } from "./api";
import { rejectedCount } from "./state";
import { When } from "./When";

const isOpen = signal(false);
const rejected = signal<Rejected[] | null>(null);
const problem = signal<string | null>(null);

export function openRejected(): void {
  isOpen.value = true;
}

effect(() => {
  void rejectedCount.value;
  if (isOpen.value) void load();
});

async function load(): Promise<void> {
  try {
    rejected.value = await fetchRejected();
    problem.value = null;
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

/** What devices sent and Millrace could not read, with the reason: the first thing that the maker of a device needs. */
export function RejectedPanel() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal();
  }, [isOpen.value]);
  if (!isOpen.value) return null;
  return (
    <dialog
      ref={dialog}
      class="rejected"
      aria-labelledby="rejected-title"
      onClose={() => (isOpen.value = false)}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="rejected-inside">
        <div class="rejected-head">
          <h2 id="rejected-title">Rejected payloads</h2>
          <button class="button" onClick={() => dialog.current?.close()}>Close</button>
        </div>
        <Content />
      </div>
    </dialog>
  );
}

function Content() {
  if (problem.value) return <p class="nothing">The list could not be loaded: {problem.value}.</p>;
  if (!rejected.value) return <p class="nothing">Loading…</p>;
  if (rejected.value.length === 0) return <p class="nothing">Every payload so far could be read.</p>;
  return (
    <ol class="rejected-list">
      {rejected.value.map((one) => (
        <li key={`${one.received_at} ${one.topic}`} data-testid="rejected">
          <p class="rejected-line"><When at={one.received_at} /><strong>{one.topic}</strong></p>
          <p class="rejected-reason">{one.reason}</p>
          <pre tabIndex={0} aria-label="Payload">{excerpt(one.payload)}</pre>
        </li>
      ))}
    </ol>
  );
}

const LONGEST_EXCERPT = 300;

function excerpt(payload: string): string {
  if (payload === "") return "(empty)";
  return payload.length > LONGEST_EXCERPT ? `${payload.slice(0, LONGEST_EXCERPT)}…` : payload;
}

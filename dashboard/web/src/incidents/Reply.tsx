import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Incident } from "../api/client";
import { DURATIONS, rememberedName, reply, send, type ReplyKind } from "./replying";

const LABELS = {
  acknowledge: { button: "Acknowledge", label: "Note", sending: "Acknowledging…" },
  silence: { button: "Silence", label: "Reason", sending: "Silencing…" },
} as const;

/** The buttons to acknowledge and silence an incident, and the form of the one that was pressed. */
export function Reply({ incident, kinds }: { incident: Incident; kinds: ReplyKind[] }) {
  const open = reply.value?.id === incident.id ? reply.value.kind : null;
  const buttons = useRef<HTMLDivElement>(null);
  const close = () => {
    buttons.current?.querySelector<HTMLElement>(`[data-reply="${open}"]`)?.focus();
    reply.value = null;
  };
  return (
    <>
      <div class="replies" ref={buttons}>
        {kinds.map((kind) => (
          <button
            key={kind}
            class="button"
            data-reply={kind}
            aria-expanded={open === kind}
            aria-label={`${LABELS[kind].button} ${incident.rule} at ${incident.device}`}
            onClick={() => (open === kind ? close() : (reply.value = { id: incident.id, kind }))}
          >
            {LABELS[kind].button}
          </button>
        ))}
      </div>
      {open && <Form key={open} incident={incident} kind={open} close={close} />}
    </>
  );
}

function Form({ incident, kind, close }: { incident: Incident; kind: ReplyKind; close(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const [name] = useState(rememberedName);
  const [lasting, setLasting] = useState("1h");
  const { busy, problem, submit } = useSending(incident, kind, lasting);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>(name ? "[name=text]" : "[name=by]")?.focus(), []);
  return (
    <form
      ref={form}
      class="reply"
      aria-label={`${LABELS[kind].button} ${incident.device}`}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
    >
      {kind === "silence" && (
        <>
          <p>Nobody is notified of any incident of <strong>{incident.device}</strong> during this time.</p>
          <Durations chosen={lasting} choose={setLasting} />
        </>
      )}
      <label>Name<input name="by" maxLength={100} autocomplete="name" defaultValue={name} /></label>
      <label>
        <span>{LABELS[kind].label}{kind === "acknowledge" && <small> optional</small>}</span>
        <input name="text" maxLength={500} autocomplete="off" required={kind === "silence"} />
      </label>
      <p class="problem" aria-live="polite" data-testid="reply-problem">{problem && `Not sent: ${problem}.`}</p>
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? LABELS[kind].sending : LABELS[kind].button}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Sends a form, once at a time, and closes it when the server has confirmed it. */
function useSending(incident: Incident, kind: ReplyKind, lasting: string) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const fields = new FormData(form);
    const field = (name: string) => String(fields.get(name)).trim();
    setBusy(true);
    setProblem("");
    try {
      await send(incident, kind, { by: field("by"), text: field("text"), lasting });
      // The button that opened the form may be gone by now.
      if (form.contains(document.activeElement)) form.closest<HTMLElement>("li")?.focus();
      if (reply.peek()?.id === incident.id) reply.value = null;
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}

function Durations({ chosen, choose }: { chosen: string; choose(lasting: string): void }) {
  return (
    <div class="switch" role="group" aria-label="For how long">
      {Object.entries(DURATIONS).map(([lasting, name]) => (
        <button key={lasting} type="button" aria-pressed={chosen === lasting} onClick={() => choose(lasting)}>{name}</button>
      ))}
    </div>
  );
}

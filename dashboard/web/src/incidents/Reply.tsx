import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Alert } from "../api/client";
import { DURATIONS, rememberedName, reply, send, type ReplyKind } from "./replying";

const WORDS = {
  acknowledge: { button: "Acknowledge", text: "Note", sending: "Acknowledging…" },
  silence: { button: "Silence", text: "Reason", sending: "Silencing…" },
} as const;

/** What can be said to an alert: the buttons, and below them the form of the one that was pressed. */
export function Reply({ alert, kinds }: { alert: Alert; kinds: ReplyKind[] }) {
  const open = reply.value?.id === alert.id ? reply.value.kind : null;
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
            aria-label={`${WORDS[kind].button} ${alert.rule} at ${alert.device}`}
            onClick={() => (open === kind ? close() : (reply.value = { id: alert.id, kind }))}
          >
            {WORDS[kind].button}
          </button>
        ))}
      </div>
      {open && <Form key={open} alert={alert} kind={open} close={close} />}
    </>
  );
}

function Form({ alert, kind, close }: { alert: Alert; kind: ReplyKind; close(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const [name] = useState(rememberedName);
  const [lasting, setLasting] = useState("1h");
  const { busy, problem, submit } = useSending(alert, kind, lasting);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>(name ? "[name=text]" : "[name=by]")?.focus(), []);
  return (
    <form
      ref={form}
      class="reply"
      aria-label={`${WORDS[kind].button} ${alert.device}`}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
    >
      {kind === "silence" && (
        <>
          <p>Nobody is told of <strong>{alert.device}</strong> for a time, whatever the alert.</p>
          <Durations chosen={lasting} choose={setLasting} />
        </>
      )}
      <label>Name<input name="by" maxLength={100} autocomplete="name" defaultValue={name} /></label>
      <label>
        <span>{WORDS[kind].text}{kind === "acknowledge" && <small> optional</small>}</span>
        <input name="text" maxLength={500} autocomplete="off" required={kind === "silence"} />
      </label>
      <p class="problem" aria-live="polite" data-testid="reply-problem">{problem && `Not done: ${problem}.`}</p>
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? WORDS[kind].sending : WORDS[kind].button}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Sends what a form says, once at a time, and closes it when the server has said that it is done. */
function useSending(alert: Alert, kind: ReplyKind, lasting: string) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const told = new FormData(form);
    const field = (name: string) => String(told.get(name)).trim();
    setBusy(true);
    setProblem("");
    try {
      await send(alert, kind, { by: field("by"), text: field("text"), lasting });
      // The button that opened the form may be gone with what it asked for.
      if (form.contains(document.activeElement)) form.closest<HTMLElement>("li")?.focus();
      if (reply.peek()?.id === alert.id) reply.value = null;
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}

function Durations({ chosen, choose }: { chosen: string; choose(lasting: string): void }) {
  return (
    <div class="ranges" role="group" aria-label="For how long">
      {Object.entries(DURATIONS).map(([lasting, words]) => (
        <button key={lasting} type="button" aria-pressed={chosen === lasting} onClick={() => choose(lasting)}>{words}</button>
      ))}
    </div>
  );
}

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { replyName } from "../live/caller";
import { serverNow } from "../live/clock";
import { connection } from "../live/state";
import { Text } from "../ui/Text";
import { fieldText, LENGTHS, TOMORROW, tomorrowMorning, UNTIL } from "./lasting";
import { LABELS, rememberedName, reply, send, type ReplyKind } from "./replying";
import type { Target } from "./target";

/** The form to acknowledge or silence something. It asks for a name only where the caller has none. */
export function ReplyForm({ target, kind, close }: { target: Target; kind: ReplyKind; close(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const username = replyName();
  const [name] = useState(rememberedName);
  const [lasting, setLasting] = useState("1h");
  const { busy, problem, submit } = useSending(target, kind, lasting);
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>(username ?? name ? "[name=text]" : "[name=by]")?.focus(), []);
  return (
    <form
      ref={form}
      class="reply"
      aria-label={`${LABELS[kind].button} ${target.name}`}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
    >
      {kind === "silence" ? (
        <>
          <p>No notifications about <strong><Text of={target.silenced} /></strong> are sent during this time.</p>
          <Lasting chosen={lasting} choose={setLasting} />
        </>
      ) : (
        !target.incident && <p>For <strong><Text of={target.name} /></strong> no reminders are sent.</p>
      )}
      {username === null && <label>Name<input name="by" maxLength={100} autocomplete="name" defaultValue={name} /></label>}
      <label>
        <span>{LABELS[kind].label}{kind === "acknowledge" && <small> optional</small>}</span>
        <input name="text" maxLength={500} autocomplete="off" required={kind === "silence"} />
      </label>
      <p class="problem" aria-live="polite" data-testid="reply-problem">{problem && <>Not sent: <Text of={problem} />.</>}</p>
      <div class="replies">
        <button class="button main" aria-disabled={busy || !connection.value.connected}>{busy ? LABELS[kind].sending : LABELS[kind].button}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Sends a form, once at a time, and closes it when the server has confirmed it. */
function useSending(target: Target, kind: ReplyKind, lasting: string) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const fields = new FormData(form);
    const field = (name: string) => String(fields.get(name) ?? "").trim();
    setBusy(true);
    setProblem("");
    try {
      await send(target, kind, { by: field("by"), text: field("text"), lasting, until: field("until") });
      // The button that opened the form may be gone by now.
      if (form.contains(document.activeElement)) form.closest<HTMLElement>("li, [tabindex]")?.focus();
      if (reply.peek()?.target.id === target.id) reply.value = null;
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}

const ENDS: [lasting: string, name: string][] = [...Object.entries(LENGTHS), [TOMORROW, "until tomorrow 8:00"], [UNTIL, "until…"]];

function Lasting({ chosen, choose }: { chosen: string; choose(lasting: string): void }) {
  const [first] = useState(() => fieldText(tomorrowMorning(new Date(serverNow()))));
  return (
    <>
      <div class="switch lasting" role="group" aria-label="For how long">
        {ENDS.map(([lasting, name]) => (
          <button key={lasting} type="button" aria-pressed={chosen === lasting} onClick={() => choose(lasting)}>{name}</button>
        ))}
      </div>
      {chosen === UNTIL && <label>End<input type="datetime-local" name="until" defaultValue={first} required /></label>}
    </>
  );
}

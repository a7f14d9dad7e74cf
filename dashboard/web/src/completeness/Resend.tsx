import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { resend, type Rejected, type Resent } from "./rejected";

const MOST_LINES = 14;

interface Props {
  one: Rejected;
  close(): void;
  finish(resent: Resent): void;
}

/** A payload to be mended, and sent again as if its device had. */
export function Resend({ one, close, finish }: Props) {
  const payload = useRef<HTMLTextAreaElement>(null);
  const { busy, problem, submit } = useResending(one, finish);
  useLayoutEffect(() => payload.current?.focus(), []);
  const lines = Math.min(MOST_LINES, Math.max(2, one.payload.split("\n").length));
  return (
    <form
      class="reply resend"
      aria-label={`Resend the payload of ${one.topic}`}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
    >
      <label>Topic<input name="topic" defaultValue={one.topic} autocomplete="off" spellcheck={false} required /></label>
      <label>
        Payload
        <textarea ref={payload} name="payload" rows={lines} defaultValue={one.payload} spellcheck={false} />
      </label>
      {one.payload.includes("\ufffd") && <p>Some bytes are no text and shown as �. Left unchanged, all bytes are sent as they came.</p>}
      <p class="problem" aria-live="polite" data-testid="resend-problem">{problem && `Not resent: ${problem}.`}</p>
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Resending…" : "Resend"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Nothing has happened when the server refuses; then the form stays, with its words. */
function useResending(one: Rejected, finish: (resent: Resent) => void) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const said = new FormData(event.currentTarget);
    const field = (name: string) => String(said.get(name)).replace(/\r\n?/g, "\n");
    setBusy(true);
    setProblem("");
    try {
      finish(await resend(one, { topic: field("topic").trim(), payload: field("payload") }));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}

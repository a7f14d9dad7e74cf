import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fetchRejectedWhole, resendRejected, type Rejected, type Resent } from "../api/client";
import { formatCount } from "../ui/format";
import { Text } from "../ui/Text";
import { changes } from "./rejected";

const MOST_LINES = 14;

interface Props {
  one: Rejected;
  close(): void;
  finish(resent: Resent): void;
}

/** The form to fix a payload, and to process it as if its device had sent it again. */
export function Resend(props: Props) {
  const { payload, payload_bytes, stored_bytes } = props.one;
  const [whole, setWhole] = useState<Rejected | null>(null);
  const [problem, setProblem] = useState("");
  // A list has only the first part of a long payload. An escape of invalid bytes is longer than these.
  const isPreview = new TextEncoder().encode(payload).length < stored_bytes;
  useEffect(() => {
    if (isPreview) fetchRejectedWhole(props.one.id).then(setWhole, (error: Error) => setProblem(error.message));
  }, [props.one.id]);
  if (problem) return <p class="problem">The payload could not be loaded: <Text of={problem} />.</p>;
  if (isPreview && !whole) return <p class="nothing">Loading…</p>;
  return (
    <>
      {payload_bytes > stored_bytes && <p class="problem">Only the first {formatCount(stored_bytes)} of {formatCount(payload_bytes)} bytes are stored.</p>}
      <Form {...props} one={whole ?? props.one} />
    </>
  );
}

function Form({ one, close, finish }: Props) {
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
      {one.payload.includes("\ufffd") && <p>Contains binary data, shown as �. If you leave the payload unchanged, its original bytes are resent.</p>}
      <p class="problem" aria-live="polite" data-testid="resend-problem">{problem && <>Not resent: <Text of={problem} />.</>}</p>
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Resending…" : "Resend"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** When the server refuses, nothing has changed: the form stays open and shows the reason. */
function useResending(one: Rejected, finish: (resent: Resent) => void) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const fields = new FormData(event.currentTarget);
    const field = (name: string) => String(fields.get(name)).replace(/\r\n?/g, "\n");
    setBusy(true);
    setProblem("");
    try {
      finish(await resendRejected(one.id, changes(one, { topic: field("topic").trim(), payload: field("payload") })));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return { busy, problem, submit };
}

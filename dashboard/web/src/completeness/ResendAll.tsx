import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { resendSelected, type ResentSelected } from "../api/client";
import { plural } from "../ui/format";
import { Text } from "../ui/Text";
import type { Group } from "./rejected";
import { done, load, sinceQuery } from "./rejected-list";

interface Props {
  group: Group;
  /** The newest payload. */
  example: string | undefined;
  close(): void;
}

/** The form to resend all payloads of a group, each with the same correction. */
export function ResendAll({ group, example, close }: Props) {
  const find = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<ResentSelected | null>(null);
  const [problem, setProblem] = useState("");
  useLayoutEffect(() => find.current?.focus(), []);
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    if (busy) return;
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      setResult(await resendAll(group, String(fields.get("topic")).trim(), String(fields.get("find")), String(fields.get("with"))));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
    await load();
  };
  return (
    <form class="reply resend" aria-label={`Resend all of ${group.topic}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <p>{plural(group.waiting, "payload is", "payloads are")} corrected in the same way and resent.{example && <> The newest is <code><Text of={example.slice(0, 120)} /></code></>}</p>
      <div class="resend-fields">
        <label>Replace<input ref={find} name="find" autocomplete="off" spellcheck={false} placeholder="nothing" /></label>
        <label>with<input name="with" autocomplete="off" spellcheck={false} placeholder="nothing" /></label>
        <label>Topic<input name="topic" defaultValue={group.topic} autocomplete="off" spellcheck={false} required /></label>
      </div>
      <p class="problem" aria-live="polite" data-testid="resend-problem">{problem && <>Not resent: <Text of={problem} />.</>}</p>
      {result && <Result of={result} />}
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Resending…" : "Resend all"}</button>
        <button class="button" type="button" onClick={close}>Close</button>
      </div>
    </form>
  );
}

function Result({ of: { resent, failed } }: { of: ResentSelected }) {
  return (
    <p role="status" data-testid="resend-result">
      {plural(resent, "payload")} resent.
      {failed.length > 0 && <> {plural(failed.length, "payload")} could not be: <Text of={failed[0]!.error} />.</>}
    </p>
  );
}

/** The server resends a hundred at a time. */
async function resendAll(group: Group, newTopic: string, find: string, replacement: string): Promise<ResentSelected> {
  const { topic, reason } = group;
  const correction = { ...(newTopic !== topic && { new_topic: newTopic }), ...(find && { replace: { find, with: replacement } }) };
  const total: ResentSelected = { resent: 0, readings: 0, failed: [], next: null };
  const selection = { topic, reason, ...sinceQuery(), ...correction };
  do {
    const part = await resendSelected({ ...selection, ...(total.next && { after: total.next }) });
    total.resent += part.resent;
    total.readings += part.readings;
    total.failed.push(...part.failed);
    total.next = part.next;
  } while (total.next);
  done.value = `Resent: ${plural(total.readings, "reading")} of ${topic} stored.`;
  return total;
}

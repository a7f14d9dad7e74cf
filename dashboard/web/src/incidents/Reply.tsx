import { useRef } from "preact/hooks";
import { may } from "../live/caller";
import { connection } from "../live/state";
import { lazy } from "../ui/lazy";
import { LABELS, reply, type ReplyKind } from "./replying";
import type { Target } from "./target";

const ReplyForm = lazy(() => import("./ReplyForm").then(({ ReplyForm }) => ReplyForm), () => <p class="nothing" role="status">Loading…</p>);

/** The buttons to acknowledge and silence something, as far as the caller may, and the form of the one that was pressed. */
export function Reply({ target, kinds }: { target: Target; kinds: ReplyKind[] }) {
  const open = reply.value?.target.id === target.id ? reply.value.kind : null;
  const buttons = useRef<HTMLDivElement>(null);
  const { connected } = connection.value;
  const offered = kinds.filter(may);
  const close = () => {
    buttons.current?.querySelector<HTMLElement>(`[data-reply="${open}"]`)?.focus();
    reply.value = null;
  };
  const press = (kind: ReplyKind) => {
    if (open === kind) close();
    else if (connected) reply.value = { target, kind };
  };
  if (offered.length === 0) return null;
  return (
    <>
      <div class="replies" ref={buttons}>
        {offered.map((kind) => (
          <button
            key={kind}
            class="button"
            data-reply={kind}
            aria-expanded={open === kind}
            aria-disabled={!connected && open !== kind}
            title={connected ? undefined : "The server does not answer"}
            aria-label={`${LABELS[kind].button} ${target.name}`}
            onClick={() => press(kind)}
          >
            {LABELS[kind].button}
          </button>
        ))}
      </div>
      {open && <ReplyForm key={open} target={target} kind={open} close={close} />}
    </>
  );
}

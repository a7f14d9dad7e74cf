import { useRef, useState } from "preact/hooks";
import { dismissRejected, type Rejected, type Resent } from "../api/client";
import { may } from "../live/caller";
import { Confirm } from "../ui/Confirm";
import { formatCount, plural } from "../ui/format";
import { DoneShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { done, load } from "./rejected-list";
import { Resend } from "./Resend";

const LONGEST_EXCERPT = 300;

/** A rejected payload: when it came, why it was rejected, and what it is. */
export function RejectedRow({ one }: { one: Rejected }) {
  const [open, setOpen] = useState(false);
  const [resent, setResent] = useState<string | null>(null);
  const row = useRef<HTMLLIElement>(null);
  const resentAt = resent ?? one.resent_at;
  const close = () => {
    setOpen(false);
    row.current?.querySelector<HTMLElement>("[data-resend]")?.focus();
  };
  const finish = ({ readings, resent_at }: Resent) => {
    setOpen(false);
    setResent(resent_at);
    done.value = `Resent: ${plural(readings, "reading")} of ${one.topic} stored.`;
    row.current?.focus();
  };
  const dismiss = async () => {
    await dismissRejected(one.id);
    done.value = `Dismissed: a payload of ${one.topic}.`;
    await load();
  };
  return (
    <li ref={row} tabIndex={-1} data-testid="rejected" data-resent={Boolean(resentAt)}>
      <div class="rejected-line">
        <When at={one.received_at} />
        <strong><Text of={one.topic} /></strong>
        {resentAt && <span class="rejected-resent"><DoneShape />resent <When at={resentAt} /></span>}
        {may("resend") && <span class="rejected-actions">
          {!resentAt && (
            <button class="button" data-resend aria-expanded={open} aria-label={`Resend the payload of ${one.topic}`} onClick={() => setOpen(!open)}>
              Resend…
            </button>
          )}
          <Confirm name="Dismiss" label={`Dismiss the payload of ${one.topic}`} sure="Delete it" failed="Not dismissed" act={dismiss} />
        </span>}
      </div>
      <p class="rejected-reason"><Text of={one.reason} /></p>
      {open ? <Resend one={one} close={close} finish={finish} /> : <Payload one={one} />}
    </li>
  );
}

/** The beginning of a payload. */
export function Payload({ one: { payload, payload_bytes } }: { one: Rejected }) {
  const isCut = payload.length > LONGEST_EXCERPT;
  return (
    <pre tabIndex={0} aria-label="Payload">
      {payload === "" ? "(empty)" : <Text of={payload.slice(0, LONGEST_EXCERPT)} lines />}
      {isCut && <>… <small>{formatCount(payload_bytes)} bytes</small></>}
    </pre>
  );
}

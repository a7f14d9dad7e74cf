import { useEffect, useState } from "preact/hooks";
import { dismissSelected, fetchRejectedPage, type Rejected } from "../api/client";
import { may } from "../live/caller";
import { Confirm } from "../ui/Confirm";
import { formatCount, plural } from "../ui/format";
import { DoneShape, FoldShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { belongsTo, type Group } from "./rejected";
import { done, load, loads, newest, sinceQuery } from "./rejected-list";
import { Payload, RejectedRow } from "./RejectedRow";
import { ResendAll } from "./ResendAll";

const PAGE = 20;

/** Payloads of one topic that were rejected for one kind of reason. A single one stands for itself. */
export function RejectedGroup({ group }: { group: Group }) {
  const known = newest.value.find((one) => belongsTo(one, group));
  if (group.count === 1 && known) return <RejectedRow one={known} />;
  return <Several group={group} example={known} />;
}

function Several({ group, example }: { group: Group; example: Rejected | undefined }) {
  const [open, setOpen] = useState<"members" | "resend" | null>(null);
  const { topic, reason, count, waiting } = group;
  const dismiss = async () => {
    const dismissed = await dismissSelected({ topic, reason, ...sinceQuery() });
    done.value = `Dismissed: ${plural(dismissed, "payload")} of ${topic}.`;
    await load();
  };
  return (
    <li data-testid="rejected-group" data-topic={topic} data-waiting={waiting} data-resent={waiting === 0}>
      <div class="rejected-line">
        <button class="rejected-fold" aria-expanded={open === "members"} onClick={() => setOpen(open === "members" ? null : "members")}>
          <FoldShape /><strong><Text of={topic} /></strong><span class="rejected-count">{plural(count, "payload")}</span>
        </button>
        <span class="rejected-times"><Times group={group} /></span>
        {waiting < count && <span class="rejected-resent"><DoneShape />{waiting === 0 ? "all resent" : `${formatCount(count - waiting)} resent`}</span>}
        {may("resend") && <span class="rejected-actions">
          {waiting > 0 && (
            <button class="button" data-resend aria-expanded={open === "resend"} aria-label={`Resend all of ${topic}`} onClick={() => setOpen(open === "resend" ? null : "resend")}>
              Resend all…
            </button>
          )}
          <Confirm name="Dismiss all" label={`Dismiss all of ${topic}`} sure={`Delete ${formatCount(count)}`} failed="Not dismissed" act={dismiss} />
        </span>}
      </div>
      <p class="rejected-reason"><Text of={reason} /></p>
      {open === "resend" && <ResendAll group={group} example={example?.payload} close={() => setOpen(null)} />}
      {open === "members" && <Members group={group} />}
      {open === null && example && <Payload one={example} />}
    </li>
  );
}

function Times({ group: { oldest_received_at: oldest, newest_received_at: newest } }: { group: Group }) {
  const inOneSecond = Date.parse(newest) - Date.parse(oldest) < 1000;
  return inOneSecond ? <When at={newest} /> : <><When at={oldest} /> – <When at={newest} /></>;
}

function Members({ group: { topic, reason } }: { group: Group }) {
  const [most, setMost] = useState(PAGE);
  const [page, setPage] = useState<{ rejected: Rejected[]; next: string | null } | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    fetchRejectedPage({ topic, reason, ...sinceQuery(), limit: `${most}` }, abort.signal)
      .then((found) => (setPage(found), setProblem("")))
      .catch((error: Error) => error.name !== "AbortError" && setProblem(error.message));
    return () => abort.abort();
  }, [topic, reason, most, loads.value]);
  return (
    <>
      {problem && <p class="problem">Could not be loaded: <Text of={problem} />.</p>}
      {!page && !problem && <p class="nothing">Loading…</p>}
      <ol class="rejected-members">{page?.rejected.map((one) => <RejectedRow key={one.id} one={one} />)}</ol>
      {page?.next && <button class="button" onClick={() => setMost(most + 4 * PAGE)}>Show older payloads</button>}
    </>
  );
}

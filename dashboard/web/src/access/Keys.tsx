import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { fetchKeys, revokeKey, type CreatedKey, type Key } from "../api/access";
import { now } from "../live/clock";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import { Fact, Problem } from "../ui/Facts";
import { useLoaded } from "../ui/loaded";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { ViewTitle } from "../ui/ViewTitle";
import { visible } from "../ui/visible";
import { When } from "../ui/When";
import { Filters } from "./Filters";
import { KeyForm } from "./KeyForm";
import "../ui/entries.css";

/** The API keys, with which programs ask. */
export function Keys() {
  const { found, problem, reload } = useLoaded(fetchKeys);
  const [isAdding, setAdding] = useState(false);
  const [created, setCreated] = useState<CreatedKey | null>(null);
  const add = useRef<HTMLButtonElement>(null);
  const close = () => {
    setAdding(false);
    setCreated(null);
    add.current?.focus();
  };
  const finish = async (key: CreatedKey) => {
    setAdding(false);
    setCreated(key);
    await reload();
  };
  return (
    <section class="panel" aria-labelledby="keys-title">
      <div id="keys-title"><ViewTitle of="keys" /></div>
      <div class="entry-tools">
        <p class="view-note">A program sends a key instead of a name and a password: <code>authorization: Bearer mk_…</code>. A key always ends, and may do no more than its owner.</p>
        <button ref={add} class="button" aria-expanded={isAdding} onClick={() => (setCreated(null), setAdding(!isAdding))}>Make a key…</button>
      </div>
      {isAdding && <KeyForm finish={finish} close={close} />}
      {created && <Created created={created} close={close} />}
      <Problem of={problem} what="The keys could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-keys">No API keys yet</p>}
      <ul class="entry-list entry-cards">{found?.map((key) => <Row key={key.id} of={key} reload={reload} />)}</ul>
      <p class="unseen" role="status">{done.value}</p>
    </section>
  );
}

/** The key itself, this once. */
function Created({ created: { name, key }, close }: { created: CreatedKey; close(): void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current!.focus(), []);
  return (
    <div class="entry-secret" data-testid="new-key">
      <h3 ref={heading} tabIndex={-1}>The key <Text of={name} /></h3>
      <p>Copy it now and keep it safe: it is shown only this once.</p>
      <CodeBlock text={key} label="the API key" />
      <button class="button" onClick={close}>I have copied it</button>
    </div>
  );
}

function Row({ of, reload }: { of: Key; reload(): Promise<void> }) {
  const { id, name, owner, role, filters, created_at, expires_at, last_used_at } = of;
  const isOver = Date.parse(expires_at) <= now.value;
  const revoke = async () => {
    await revokeKey(id);
    document.querySelector<HTMLElement>("#keys-title h2")?.focus();
    done.value = `Revoked the key ${visible(name)}.`;
    await reload();
  };
  return (
    <li data-testid="key" data-name={name} data-over={isOver}>
      <div class="entry-line">
        <h3><Text of={name} /></h3>
        <span class="entry-tag">{role}</span>
        {isOver && <span class="entry-tag" data-bad="true">ended</span>}
      </div>
      <dl class="entry-facts">
        <Fact name="Owner"><Text of={owner} /></Fact>
        <Fact name="Sees"><Filters of={filters} /></Fact>
        <Fact name="Made"><When at={created_at} /></Fact>
        <Fact name={isOver ? "Ended" : "Ends"}><When at={expires_at} /></Fact>
        <Fact name="Last used">{last_used_at === null ? "never" : <When at={last_used_at} />}</Fact>
      </dl>
      <div class="replies"><Confirm name="Revoke" label={`Revoke the key ${visible(name)}`} sure="Revoke it for good" failed="Not revoked" act={revoke} /></div>
    </li>
  );
}

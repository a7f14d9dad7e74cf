import { useEffect, useRef, useState } from "preact/hooks";
import { fetchTwin, setDesired, type Twin as States } from "../api/commands";
import { may } from "../live/caller";
import { Fact, Problem } from "../ui/Facts";
import { useLoaded } from "../ui/loaded";
import { done } from "../ui/status";
import { useSubmit } from "../ui/submit";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { When } from "../ui/When";
import { stateFrom, twinText } from "./command-form";

const REFRESH_MS = 2000;

/** What the device should be, and what it says that it is. */
export function Twin({ device }: { device: string }) {
  const { found, problem, reload } = useLoaded(() => fetchTwin(device));
  const [edited, setEdited] = useState<States | null>(null);
  const change = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, []);
  const close = () => {
    setEdited(null);
    change.current?.focus();
  };
  const finish = async () => {
    close();
    done.value = `Said what ${visible(device)} should be.`;
    await reload();
  };
  return (
    <section class="panel" aria-labelledby="twin-title">
      <h2 id="twin-title">State</h2>
      <Problem of={problem} what="The state could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found && <p role="status" data-testid="in-sync"><Text of={twinText(found)} /></p>}
      {found && <Both of={found} />}
      {found && may("command") && <div class="replies"><button ref={change} class="button" aria-expanded={edited !== null} onClick={() => setEdited(edited === null ? found : null)}>Say what it should be…</button></div>}
      {edited && <DesiredForm device={device} of={edited} finish={finish} close={close} />}
    </section>
  );
}

function Both({ of: { desired, reported, version, reported_version, desired_at, reported_at } }: { of: States }) {
  return (
    <dl class="entry-facts">
      {desired !== null && <Fact name="Should be"><code><Text of={JSON.stringify(desired)} /></code> version {version}{desired_at !== null && <>, <When at={desired_at} /></>}</Fact>}
      {reported !== null && <Fact name="Says it is"><code><Text of={JSON.stringify(reported)} /></code>{reported_version !== null && <> version {reported_version}</>}{reported_at !== null && <>, <When at={reported_at} /></>}</Fact>}
    </dl>
  );
}

function DesiredForm({ device, of, finish, close }: { device: string; of: States; finish(): Promise<void>; close(): void }) {
  const { busy, problem, submit } = useSubmit(async (field) => {
    await setDesired(device, stateFrom(field("state")), of.version);
    await finish();
  });
  return (
    <form class="reply entry-form" aria-label={`What ${visible(device)} should be`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <label>
        <span>The whole state <small>a JSON object</small></span>
        <textarea name="state" rows={4} required autocomplete="off" spellcheck={false} defaultValue={JSON.stringify(of.desired ?? {}, null, 2)} />
      </label>
      <Problem of={problem} what="Not changed" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Saving…" : "Save"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

import { useState } from "preact/hooks";
import { endSession, fetchSessions, type Session } from "../api/access";
import { Dialog } from "../ui/Dialog";
import { Fact, Problem } from "../ui/Facts";
import { useLoaded } from "../ui/loaded";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { sessionOwner } from "./session-owner";
import "../ui/entries.css";

/** The dialog with the sessions of a user, each of which can be ended. */
export function Sessions() {
  const owner = sessionOwner.value;
  const { found, problem, reload } = useLoaded(() => fetchSessions(owner), owner);
  return (
    <Dialog name="sessions" title={owner === null ? "Your sessions" : `Sessions of ${owner}`}>
      {() => (
        <>
          <p class="view-note">A session begins with a login. End one that you do not know, and change the password.</p>
          <Problem of={problem} what="The sessions could not be loaded" />
          {!found && !problem && <p class="nothing" role="status">Loading…</p>}
          {found?.length === 0 && <p class="nothing">No sessions</p>}
          <ul class="entry-list">{found?.map((session) => <Row key={session.id} session={session} owner={owner} reload={reload} />)}</ul>
          <p class="unseen" role="status">{done.value}</p>
        </>
      )}
    </Dialog>
  );
}

function Row({ session, owner, reload }: { session: Session; owner: string | null; reload(): Promise<void> }) {
  const [problem, setProblem] = useState("");
  const { id, created_at, last_used_at, expires_at, current } = session;
  const address = session.address ?? "an unknown address";
  const end = async () => {
    try {
      await endSession(id, owner);
      document.querySelector<HTMLElement>(".dialog .button")?.focus();
      done.value = `Ended the session from ${address}.`;
      await reload();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <li data-testid="session" data-current={current}>
      <div class="entry-line">
        <h3>From <Text of={address} /></h3>
        {current ? <span class="entry-tag">this one</span> : <button class="button" aria-label={`End the session from ${address}`} onClick={end}>End</button>}
      </div>
      <dl class="entry-facts">
        <Fact name="Logged in"><When at={created_at} /></Fact>
        <Fact name="Last used"><When at={last_used_at} /></Fact>
        <Fact name="Ends at the latest"><When at={expires_at} /></Fact>
      </dl>
      <Problem of={problem} what="Not ended" />
    </li>
  );
}

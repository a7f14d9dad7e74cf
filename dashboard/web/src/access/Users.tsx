import { useRef, useState } from "preact/hooks";
import { fetchUsers, removeUser, type User } from "../api/access";
import { askToLogIn, caller } from "../live/caller";
import { Confirm } from "../ui/Confirm";
import { Fact, Problem } from "../ui/Facts";
import { plural } from "../ui/format";
import { useLoaded } from "../ui/loaded";
import { WarningShape } from "../ui/Shapes";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import { Filters } from "./Filters";
import { showSessions } from "./session-owner";
import { UserForm } from "./UserForm";
import "../ui/entries.css";

/** Who may log in, and what each user may do. */
export function Users() {
  return (
    <section class="panel" aria-labelledby="users-title">
      <div id="users-title"><ViewTitle of="users" /></div>
      {caller.value?.open ? <First /> : <List />}
      <p class="unseen" role="status">{done.value}</p>
    </section>
  );
}

/** The first user closes the page. */
function First() {
  const finish = ({ username }: User) => askToLogIn(`Millrace has users now: log in as ${username}.`, username);
  return (
    <>
      <p class="entry-warning" data-testid="first-user">
        <WarningShape />There are no users yet: everybody who reaches this page may do everything. The first user is an admin. Adding it closes the page and the
        API for good: from then on everybody has to log in.
      </p>
      <UserForm isFirst finish={finish} />
    </>
  );
}

function List() {
  const { found, problem, reload } = useLoaded(fetchUsers);
  const [isAdding, setAdding] = useState(false);
  const add = useRef<HTMLButtonElement>(null);
  const close = () => {
    setAdding(false);
    add.current?.focus();
  };
  const finish = async ({ username }: User) => {
    close();
    done.value = `Added the user ${username}.`;
    await reload();
  };
  return (
    <>
      <div class="entry-tools">
        <p class="view-note">{found && plural(found.length, "user")}</p>
        <button ref={add} class="button" aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>Add a user…</button>
      </div>
      {isAdding && <UserForm finish={finish} close={close} />}
      <Problem of={problem} what="The users could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      <ul class="entry-list entry-cards">{found?.map((user) => <Row key={user.username} user={user} reload={reload} />)}</ul>
    </>
  );
}

function Row({ user, reload }: { user: User; reload(): Promise<void> }) {
  const [isChanging, setChanging] = useState(false);
  const change = useRef<HTMLButtonElement>(null);
  const { username, email, role, filters, external, created_at, last_login_at } = user;
  const close = () => {
    setChanging(false);
    change.current?.focus();
  };
  const finish = async () => {
    close();
    done.value = `Changed the user ${username}.`;
    await reload();
  };
  const remove = async () => {
    await removeUser(username);
    document.querySelector<HTMLElement>("#users-title h2")?.focus();
    done.value = `Removed the user ${username}.`;
    await reload();
  };
  return (
    <li data-testid="user" data-username={username}>
      <div class="entry-line">
        <h3><Text of={username} /></h3>
        <span class="entry-tag">{role}</span>
        {username === caller.value?.username && <span class="entry-tag">you</span>}
      </div>
      <dl class="entry-facts">
        <Fact name="Sees"><Filters of={filters} /></Fact>
        <Fact name="Email">{email === null ? "none" : <Text of={email} />}</Fact>
        {external && <Fact name="Logs in">at the identity provider, which says role, devices and email</Fact>}
        <Fact name="Added"><When at={created_at} /></Fact>
        <Fact name="Last login">{last_login_at === null ? "never" : <When at={last_login_at} />}</Fact>
      </dl>
      <div class="replies">
        {!external && (
          <button ref={change} class="button" aria-expanded={isChanging} aria-label={`Change ${username}`} onClick={() => setChanging(!isChanging)}>Change…</button>
        )}
        <button class="button" aria-haspopup="dialog" aria-label={`Sessions of ${username}`} onClick={() => showSessions(username)}>Sessions</button>
        <Confirm name="Remove" label={`Remove ${username}`} sure={`Remove ${username}`} failed="Not removed" act={remove} />
      </div>
      {isChanging && <UserForm user={user} finish={finish} close={close} />}
    </li>
  );
}

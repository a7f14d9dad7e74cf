import type { Me } from "../api/access";
import type { ViewName } from "../address/view";
import { caller } from "../live/caller";
import { menuFor, type MenuItem } from "../live/offers";
import { openDialog } from "../ui/dialogs";
import { Popover } from "../ui/Popover";
import { PersonShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { Filters } from "./Filters";
import { LogOut } from "./LogOut";
import { showSessions } from "./session-owner";
import "./menu.css";

/** Who uses the page, and what there is for this caller beside the views. */
export function Menu() {
  const me = caller.value;
  if (!me) return null;
  return (
    <div class="menu" data-testid="menu">
      <Popover name={<Name of={me.username} />} label={me.username === null ? "Access" : `${me.username}: your account`}>
        {(close) => <Content me={me} close={close} />}
      </Popover>
    </div>
  );
}

function Name({ of }: { of: string | null }) {
  return <span class="menu-name"><PersonShape />{of !== null && <span><Text of={of} /></span>}</span>;
}

function Content({ me, close }: { me: Me; close(): void }) {
  return (
    <>
      {me.username === null ? (
        <p>Everybody who reaches this page may do everything.</p>
      ) : (
        <p data-testid="me"><strong><Text of={me.username} /></strong> · {me.role}<br />sees <Filters of={me.filters} /></p>
      )}
      <ul>{menuFor(me).map((item) => <li key={item}><Item item={item} close={close} /></li>)}</ul>
    </>
  );
}

function Item({ item, close }: { item: MenuItem; close(): void }) {
  switch (item) {
    case "first user":
      return <ViewLink to="users" name="Add the first user" close={close} />;
    case "sessions":
      return <button onClick={() => (close(), showSessions(null))} aria-haspopup="dialog">Sessions</button>;
    case "password":
      return <button onClick={() => (close(), (openDialog.value = "password"))} aria-haspopup="dialog">Change password</button>;
    case "keys":
      return <ViewLink to="keys" name="API keys" close={close} />;
    case "users":
      return <ViewLink to="users" name="Users" close={close} />;
    case "audit":
      return <ViewLink to="audit" name="Audit" close={close} />;
    case "log out":
      return <LogOut />;
  }
}

function ViewLink({ to, name, close }: { to: ViewName; name: string; close(): void }) {
  return <a href={`#${to}`} onClick={close}>{name}</a>;
}

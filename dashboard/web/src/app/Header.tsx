import { Menu } from "../access/Menu";
import { MAIN_VIEWS, view, VIEWS } from "../address/view";
import { caller } from "../live/caller";
import { offersView } from "../live/offers";
import { connection, known } from "../live/state";
import { openConnect, openDialog } from "../ui/dialogs";
import { formatClock } from "../ui/format";
import { Mark } from "../ui/Shapes";
import { Summary } from "./Summary";

/** The header of the page. It is drawn once the caller is known. */
export function Header() {
  return (
    <header class="header">
      <h1><Mark />Millrace</h1>
      <nav class="nav" aria-label="Views">
        {MAIN_VIEWS.filter((name) => offersView(caller.value!, name)).map((name) => (
          <a key={name} href={`#${name}`} aria-current={view.value === name ? "page" : undefined}>{VIEWS[name]}</a>
        ))}
      </nav>
      {known.value && <Summary />}
      <div class="header-tools">
        <button class="button" aria-haspopup="dialog" onClick={openConnect}>Connect<span class="header-more"> a device</span></button>
        <button class="button" aria-haspopup="dialog" onClick={() => (openDialog.value = "units")}>Units</button>
        <Menu />
        <Connection />
      </div>
    </header>
  );
}

function Connection() {
  const { connected } = connection.value;
  return (
    <p class="connection" data-testid="connection" data-connected={connected}>
      <span class="connection-dot" />
      <span>{connected ? "live" : lossText()}</span>
    </p>
  );
}

/** Since when the page is disconnected, and why if the server gave a reason. */
function lossText(): string {
  const { lostAt, why } = connection.value;
  if (lostAt === null) return "connecting…";
  const since = `disconnected since ${formatClock(lostAt)}`;
  return why ? `${since}: ${why}. Trying again…` : `${since}, reconnecting…`;
}

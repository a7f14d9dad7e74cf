import { view, VIEWS, type ViewName } from "../address/view";
import { connection, known } from "../live/state";
import { openConnect, openDialog } from "../ui/dialogs";
import { formatClock } from "../ui/format";
import { Mark } from "../ui/Shapes";
import { Summary } from "./Summary";

export function Header() {
  return (
    <header class="header">
      <h1><Mark />Millrace</h1>
      <nav class="nav" aria-label="Views">
        {(Object.keys(VIEWS) as ViewName[]).map((name) => (
          <a key={name} href={`#${name}`} aria-current={view.value === name ? "page" : undefined}>{VIEWS[name]}</a>
        ))}
      </nav>
      {known.value && <Summary />}
      <div class="header-tools">
        <button class="button" aria-haspopup="dialog" onClick={openConnect}>Connect<span class="header-more"> a device</span></button>
        <button class="button" aria-haspopup="dialog" onClick={() => (openDialog.value = "units")}>Units</button>
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

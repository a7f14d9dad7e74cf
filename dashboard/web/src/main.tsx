import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app/App";
import { startClock } from "./live/clock";
import { startOrdering } from "./sensors/rows";
import { startSilences } from "./incidents/silences";
import { openCount, start } from "./live/state";
import { view, VIEWS } from "./address/view";
import "./ui/base.css";
import "./ui/views.css";
import "./app/header.css";
import "./sensors/list.css";
import "./sensors/groups.css";
import "./sensors/tiles.css";
import "./sensors/table.css";
import "./chart/chart.css";
import "./incidents/incidents.css";
import "./ui/forms.css";

render(<App />, document.getElementById("app")!);
startClock();
start();
startSilences();
startOrdering();

// The browser's tab tells of the view and of open alerts, too, by its title and its icon.
effect(() => {
  const open = openCount.value;
  const title = view.value === "overview" ? "Millrace" : `${VIEWS[view.value]} – Millrace`;
  document.title = open > 0 ? `(${open}) ${title}` : title;
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
  icon.href = open > 0 ? "./icon-alert.svg" : "./icon.svg";
});

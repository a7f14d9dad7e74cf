import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./App";
import { startClock } from "./clock";
import { startOrdering } from "./listed";
import { startSilences } from "./silences";
import { openCount, start } from "./state";
import { view, VIEWS } from "./view";
import "./style/base.css";
import "./style/views.css";
import "./style/header.css";
import "./style/list.css";
import "./style/groups.css";
import "./style/tiles.css";
import "./style/table.css";
import "./style/chart.css";
import "./style/alerts.css";
import "./style/alert-forms.css";

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

import { effect } from "@preact/signals";
import { render } from "preact";
import { preferSeries } from "./address/state";
import { view, VIEWS } from "./address/view";
import { App } from "./app/App";
import { startLinkedForms } from "./incidents/linked";
import { startSilences } from "./incidents/silences";
import { caller, identify, mustLogIn, onceKnown } from "./live/caller";
import { startClock } from "./live/clock";
import { preferredSeries } from "./live/preferred-series";
import { startRuleWords } from "./ui/rule-words";
import { openCount, start } from "./live/state";
import { startOrdering } from "./sensors/rows";
import "./ui/base.css";
import "./ui/views.css";
import "./ui/switch.css";
import "./app/header.css";
import "./app/sections.css";
import "./sensors/list.css";
import "./sensors/groups.css";
import "./sensors/tiles.css";
import "./sensors/table.css";
import "./chart/chart.css";
import "./incidents/incidents.css";
import "./ui/forms.css";

preferSeries(preferredSeries);
render(<App />, document.getElementById("app")!);
onceKnown(() => {
  startClock();
  start();
  startSilences();
  startRuleWords();
  startLinkedForms();
  startOrdering();
});
void identify();

// The title and the icon of the browser's tab show the view and the number of open incidents. The login shows neither.
effect(() => {
  const isShown = caller.value !== null && !mustLogIn.value;
  const open = isShown ? openCount.value : 0;
  const name = mustLogIn.value ? "Log in" : VIEWS[view.value];
  const title = view.value === "overview" && !mustLogIn.value ? "Millrace" : `${name} – Millrace`;
  document.title = open > 0 ? `(${open}) ${title}` : title;
  const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
  icon.href = open > 0 ? "./icon-alert.svg" : "./icon.svg";
});

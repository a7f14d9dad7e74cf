import { front } from "../address/state";
import { view, type SectionName, type ViewName } from "../address/view";
import { Incidents } from "../incidents/Incidents";
import { reply } from "../incidents/replying";
import { allSeries, connection, incidents, known } from "../live/state";
import { fewRows, many, sections } from "../sensors/rows";
import { Overview } from "../sensors/Sensors";
import { openDialog, type DialogName } from "../ui/dialogs";
import { lazy } from "../ui/lazy";
import { ViewTitle } from "../ui/ViewTitle";
import { Announcer } from "./Announcer";
import { Empty } from "./Empty";
import { Header } from "./Header";
import { section, Sections } from "./Sections";

const loadChart = () => import("../chart/Chart").then(({ Chart }) => Chart);
const Chart = lazy(loadChart, () => <section id="chart" class="panel chart chart-waiting" aria-busy="true" aria-label="Chart" />);

// The chart is loaded together with the first values. Failures are handled where it is drawn.
if (view.peek() === "overview") void loadChart().catch(() => {});

const Waiting = () => <p class="nothing" role="status">Loading…</p>;

const NothingYet = () => null;

const DIALOGS = {
  connect: lazy(() => import("../connect/Connect").then(({ Connect }) => Connect), NothingYet),
  units: lazy(() => import("../preferences/Units").then(({ Units }) => Units), NothingYet),
} satisfies Record<DialogName, unknown>;

const VIEWS = {
  overview: OverviewView,
  inputs: lazy(() => import("../inputs/Inputs").then(({ Inputs }) => Inputs), Waiting),
  completeness: lazy(() => import("../completeness/Completeness").then(({ Completeness }) => Completeness), Waiting),
  pipeline: lazy(() => import("../pipeline/Pipeline").then(({ Pipeline }) => Pipeline), Waiting),
} satisfies Record<ViewName, unknown>;

export function App() {
  const isOverview = view.value === "overview";
  const View = VIEWS[view.value];
  return (
    <div
      class="page"
      data-connected={connection.value.connected}
      data-many={isOverview && many.value}
      data-sections={isOverview && sections.value}
      data-rows={fewRows.value > 1 ? 2 : 1}
    >
      {isOverview && front.value && <a class="skip" href="#chart">Skip to the chart</a>}
      <Header />
      {isOverview ? <View /> : <main key={view.value} class="view"><View /></main>}
      {openDialog.value && <OpenDialog name={openDialog.value} />}
      <Announcer />
    </div>
  );
}

function OpenDialog({ name }: { name: DialogName }) {
  const Dialog = DIALOGS[name];
  return <Dialog />;
}

function OverviewView() {
  if (!known.value) return <main />;
  // A server that has just started may have loaded nothing yet; a form that is open must not be lost.
  const isEmpty = allSeries.value.length === 0 && incidents.value.length === 0 && reply.value === null;
  if (isEmpty) return <main class="only"><ViewTitle of="overview" unseen /><Empty /></main>;
  const isShown = (name: SectionName) => !sections.value || section.value === name;
  return (
    <>
      {sections.value && <Sections />}
      <main>
        <ViewTitle of="overview" unseen />
        {isShown("sensors") && (allSeries.value.length === 0 ? <Empty /> : <Overview />)}
        <div class="detail">
          {isShown("chart") && <Chart />}
          {isShown("incidents") && <Incidents />}
        </div>
      </main>
    </>
  );
}

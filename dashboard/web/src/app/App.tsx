import { front } from "../address/state";
import { view, type SectionName, type ViewName } from "../address/view";
import { Incidents } from "../incidents/Incidents";
import { reply } from "../incidents/replying";
import { caller, callerProblem, mustLogIn } from "../live/caller";
import { offersView } from "../live/offers";
import { allSeries, connection, incidents, known } from "../live/state";
import { fewRows, many, sections } from "../sensors/rows";
import { Overview } from "../sensors/Sensors";
import { openDialog, type DialogName } from "../ui/dialogs";
import { lazy } from "../ui/lazy";
import { Mark } from "../ui/Shapes";
import { Text } from "../ui/Text";
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

const Login = lazy(() => import("../access/Login").then(({ Login }) => Login), NothingYet);

const DIALOGS = {
  connect: lazy(() => import("../connect/Connect").then(({ Connect }) => Connect), NothingYet),
  units: lazy(() => import("../preferences/Units").then(({ Units }) => Units), NothingYet),
  sessions: lazy(() => import("../access/Sessions").then(({ Sessions }) => Sessions), NothingYet),
  register: lazy(() => import("../devices/Register").then(({ Register }) => Register), NothingYet),
  password: lazy(() => import("../access/Password").then(({ Password }) => Password), NothingYet),
} satisfies Record<DialogName, unknown>;

const VIEWS = {
  overview: OverviewView,
  devices: lazy(() => import("../devices/Devices").then(({ Devices }) => Devices), Waiting),
  inputs: lazy(() => import("../inputs/Inputs").then(({ Inputs }) => Inputs), Waiting),
  completeness: lazy(() => import("../completeness/Completeness").then(({ Completeness }) => Completeness), Waiting),
  pipeline: lazy(() => import("../pipeline/Pipeline").then(({ Pipeline }) => Pipeline), Waiting),
  users: lazy(() => import("../access/Users").then(({ Users }) => Users), Waiting),
  keys: lazy(() => import("../access/Keys").then(({ Keys }) => Keys), Waiting),
  audit: lazy(() => import("../access/Audit").then(({ Audit }) => Audit), Waiting),
} satisfies Record<ViewName, unknown>;

/** The page, or the login instead of it. */
export function App() {
  if (mustLogIn.value) return <Login />;
  return caller.value ? <Page /> : <Unidentified />;
}

/** Only a server that cannot say who the caller is leaves the time to see this. */
function Unidentified() {
  if (callerProblem.value === null) return null;
  return <main class="only"><section class="panel empty" role="status" data-testid="unidentified"><Mark /><h2>Millrace is not available yet</h2><p><Text of={callerProblem.value} />. Trying again…</p></section></main>;
}

function Page() {
  const isOverview = view.value === "overview";
  const View = offersView(caller.value!, view.value) ? VIEWS[view.value] : NotOffered;
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

/** The address names a view that this caller may not see. */
function NotOffered() {
  return (
    <section class="panel empty" data-testid="not-offered">
      <ViewTitle of={view.value} />
      <p>This view is not for your account. An admin can change what you may see.</p>
      <p><a class="button" href="#overview">Show the overview</a></p>
    </section>
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

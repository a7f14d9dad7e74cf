import { Alerts } from "../incidents/Incidents";
import { Announcer } from "./Announcer";
import { chosen } from "../address/choice";
import { Empty } from "./Empty";
import { Header } from "./Header";
import { later } from "../ui/lazy";
import { fewRows, many } from "../sensors/rows";
import { Overview } from "../sensors/Sensors";
import { alerts, connection, known, sensors } from "../live/state";
import { view, type ViewName } from "../address/view";
import { ViewTitle } from "../ui/ViewTitle";

const loadChart = () => import("../chart/Chart").then(({ Chart }) => Chart);
const Chart = later(loadChart, () => <section id="chart" class="panel chart chart-waiting" aria-busy="true" aria-label="Chart" />);

// It is on its way while the first values are asked for. Whether it came is seen where it is drawn.
if (view.peek() === "overview") void loadChart().catch(() => {});

const Waiting = () => <p class="nothing" role="status">Loading…</p>;

const VIEWS = {
  overview: OverviewView,
  completeness: later(() => import("../completeness/Completeness").then(({ Completeness }) => Completeness), Waiting),
  pipeline: later(() => import("../pipeline/Pipeline").then(({ Pipeline }) => Pipeline), Waiting),
} satisfies Record<ViewName, unknown>;

export function App() {
  const isOverview = view.value === "overview";
  const View = VIEWS[view.value];
  return (
    <div
      class="page"
      data-connected={connection.value.connected}
      data-many={isOverview && many.value}
      data-rows={fewRows.value > 1 ? 2 : 1}
    >
      {isOverview && chosen.value && <a class="skip" href="#chart">Skip to the chart</a>}
      <Header />
      {isOverview ? <View /> : <main key={view.value} class="view"><View /></main>}
      <Announcer />
    </div>
  );
}

function OverviewView() {
  if (!known.value) return <main />;
  if (sensors.value.length === 0 && alerts.value.length === 0) return <main class="only"><ViewTitle of="overview" unseen /><Empty /></main>;
  return (
    <main>
      <ViewTitle of="overview" unseen />
      {sensors.value.length === 0 ? <Empty /> : <Overview />}
      <div class="detail">
        <Chart />
        <Alerts />
      </div>
    </main>
  );
}

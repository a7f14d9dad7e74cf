import { Alerts } from "./Alerts";
import { Announcer } from "./Announcer";
import { chosen } from "./choice";
import { Empty } from "./Empty";
import { Header } from "./Header";
import { later } from "./Later";
import { fewRows, many } from "./listed";
import { Overview } from "./Overview";
import { alerts, connection, known, sensors } from "./state";
import { view, type ViewName } from "./view";
import { ViewTitle } from "./ViewTitle";

const loadChart = () => import("./Chart").then(({ Chart }) => Chart);
const Chart = later(loadChart, () => <section id="chart" class="panel chart chart-waiting" aria-busy="true" aria-label="Chart" />);

// It is on its way while the first values are asked for. Whether it came is seen where it is drawn.
if (view.peek() === "overview") void loadChart().catch(() => {});

const Waiting = () => <p class="nothing" role="status">Loading…</p>;

const VIEWS = {
  overview: OverviewView,
  completeness: later(() => import("./Completeness").then(({ Completeness }) => Completeness), Waiting),
  pipeline: later(() => import("./Pipeline").then(({ Pipeline }) => Pipeline), Waiting),
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

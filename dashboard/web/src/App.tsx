import { Alerts } from "./Alerts";
import { Announcer } from "./Announcer";
import { Chart } from "./Chart";
import { chosen } from "./choice";
import { Empty } from "./Empty";
import { Header } from "./Header";
import { many } from "./listed";
import { Overview } from "./Overview";
import { RejectedPanel } from "./RejectedPanel";
import { alerts, connection, known, sensors } from "./state";

export function App() {
  return (
    <div class="page" data-connected={connection.value.connected} data-many={many.value} data-rows={sensors.value.length > 4 ? 2 : 1}>
      {chosen.value && <a class="skip" href="#chart">Skip to the chart</a>}
      <Header />
      <Main />
      <RejectedPanel />
      <Announcer />
    </div>
  );
}

function Main() {
  if (!known.value) return <main />;
  if (sensors.value.length === 0 && alerts.value.length === 0) return <main class="only"><Empty /></main>;
  return (
    <main>
      {sensors.value.length === 0 ? <Empty /> : <Overview />}
      <div class="detail">
        <Chart />
        <Alerts />
      </div>
    </main>
  );
}

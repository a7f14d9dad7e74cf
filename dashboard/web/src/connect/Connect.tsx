import { useEffect, useState } from "preact/hooks";
import { hrefOf } from "../address/href";
import { select } from "../address/navigate";
import { INPUTS, REJECTED, view } from "../address/view";
import type { Broker } from "../api/client";
import { may } from "../live/caller";
import type { Series } from "../live/state";
import { takeClick } from "../ui/click";
import { CodeBlock } from "../ui/CodeBlock";
import { Dialog } from "../ui/Dialog";
import { quantityText } from "../ui/quantity";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { showChart } from "../ui/show-chart";
import { Text } from "../ui/Text";
import { watchArrivals, type Arrivals } from "./arrival";
import { broker, keepAsking } from "./broker";
import { isLoopback, targetOf, type Target } from "./first-reading";
import { snippetsFor, type Snippet } from "./snippets";
import "./connect.css";

/** The dialog that says how to connect a device, and shows the first reading when it arrives. */
export function Connect() {
  useEffect(keepAsking, []);
  return (
    <Dialog name="connect" title="Connect a device">
      {(close) => (
        <>
          {broker.value ? <Instructions broker={broker.value} /> : <p class="nothing" role="status">Loading…</p>}
          <Arrival close={close} />
        </>
      )}
    </Dialog>
  );
}

function Instructions({ broker }: { broker: Broker }) {
  const target = targetOf(broker, location.hostname);
  const snippets = snippetsFor(target);
  const [chosen, choose] = useState(0);
  const snippet = snippets[chosen]!;
  return (
    <>
      <Address broker={broker} target={target} />
      <div class="switch connect-kinds" role="group" aria-label="Kind of device">
        {snippets.map(({ name }, place) => (
          <button key={name} type="button" aria-pressed={place === chosen} onClick={() => choose(place)}>{name}</button>
        ))}
      </div>
      <p class="view-note" data-testid="connect-place">{snippet.place}</p>
      <CodeBlock text={snippet.code} label={snippet.name} />
      <Access broker={broker} snippet={snippet} />
    </>
  );
}

function Address({ broker: { password }, target: { host, port, user } }: { broker: Broker; target: Target }) {
  return (
    <>
      <dl class="connect-address" data-testid="connect-address">
        <div><dt>MQTT server</dt><dd><Text of={host} /></dd></div>
        <div><dt>Port</dt><dd>{port}</dd></div>
        <div><dt>User</dt><dd>{user === null ? "none needed" : password ? <><Text of={user} />, with its password</> : <Text of={user} />}</dd></div>
      </dl>
      {isLoopback(host) && (
        <p class="connect-hint" data-testid="connect-loopback">
          <WarningShape />Only programs on this machine reach this address. To let devices in the network connect, set <code>mqtt.listen</code> to <code>0.0.0.0:1883</code>.
        </p>
      )}
    </>
  );
}

/** What a password file means for the chosen device. */
function Access({ broker: { user, password }, snippet }: { broker: Broker; snippet: Snippet }) {
  if (!password || user !== null) return null;
  return (
    <div data-testid="connect-access">
      <p class="view-note">Each device or gateway has a user, who may publish for the device of that name. This adds one, with what {snippet.name} needs:</p>
      <CodeBlock text={snippet.passwd} label="the user" />
    </div>
  );
}

/** Waits for the first reading, and says what has come instead where it cannot be read. */
function Arrival({ close }: { close(): void }) {
  const [arrivals, setArrivals] = useState<Arrivals | null>(null);
  useEffect(() => {
    const watched = watchArrivals();
    setArrivals(watched);
    return watched.stop;
  }, []);
  const first = arrivals?.first.value;
  const misread = arrivals?.misread.value;
  return (
    <div class="connect-arrival" role="status" data-testid="connect-arrival" data-arrived={Boolean(first)}>
      {first ? <Arrived series={first} close={close} /> : misread ? <Misread what={misread} close={close} /> : <p class="nothing">Waiting for the first reading…</p>}
    </div>
  );
}

function Arrived({ series, close }: { series: Series; close(): void }) {
  const { value, unit } = series.newest.value;
  const show = (event: MouseEvent) => {
    if (!takeClick(event)) return;
    close();
    select({ series, zoom: null });
    if (view.peek() === "overview") showChart();
    else location.hash = "chart";
  };
  return (
    <p>
      <DoneShape /><strong><Text of={series.device} />: {quantityText(series.metric, value, unit, series.precision.digits)}</strong> arrived.{" "}
      <a class="button" href={hrefOf({ series, zoom: null })} onClick={show}>Show {series.metric}</a>
    </p>
  );
}

function Misread({ what, close }: { what: "unmapped" | "rejected"; close(): void }) {
  if (what === "unmapped") {
    if (!may("system")) return <p><WarningShape />A message arrived that no rule reads. An admin can add a rule.</p>;
    return <p><WarningShape />A message arrived that no rule reads. <a class="button" href={`#${INPUTS}`} onClick={close}>Add a rule</a></p>;
  }
  return <p><WarningShape />A payload arrived that could not be read. <a class="button" href={`#${REJECTED}`} onClick={close}>See why</a></p>;
}

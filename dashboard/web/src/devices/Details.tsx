import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { focusOnArrival, VIEWS } from "../address/view";
import { addDevice, fetchDevice, type Device, type ReadDevice } from "../api/devices";
import { may } from "../live/caller";
import { Fact, Problem } from "../ui/Facts";
import { useLoaded } from "../ui/loaded";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { Age, When } from "../ui/When";
import { Commands } from "./Commands";
import { ConnectionFacts } from "./ConnectionFacts";
import { Credentials } from "./Credentials";
import { DeviceForm } from "./DeviceForm";
import { DeviceIncidents } from "./DeviceIncidents";
import { Gaps } from "./Gaps";
import { Lifecycle } from "./Lifecycle";
import { Payloads } from "./Payloads";
import { State } from "./State";
import { Twin } from "./Twin";
import { Values } from "./Values";

const REFRESH_MS = 5000;

/** One device: what is said and known of it, and all that can be done with it. */
export function Details({ name }: { name: string }) {
  const { found, problem, reload } = useLoaded(() => fetchDevice(name));
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, []);
  return (
    <>
      <section class="panel" aria-labelledby="device-title">
        <p class="device-back"><a href="#devices">{VIEWS.devices}</a></p>
        <Heading name={name} device={found?.device ?? null} />
        <Problem of={problem} what="The device could not be loaded" />
        {!found && !problem && <p class="nothing" role="status">Loading…</p>}
        {found && <Description of={found} reload={reload} />}
      </section>
      {found && <Known of={found} />}
    </>
  );
}

function Known({ of: { device } }: { of: ReadDevice }) {
  return (
    <>
      <Values of={device} />
      <DeviceIncidents of={device} />
      <Commands of={device} />
      <Twin device={device.name} />
      <ConnectionFacts of={device} />
      <Gaps of={device} />
      <Payloads of={device} />
      {device.registered && may("devices") && <Credentials device={device.name} />}
    </>
  );
}

function Heading({ name, device }: { name: string; device: Device | null }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => focusOnArrival(heading.current!), []);
  return (
    <div class="entry-line">
      <h2 id="device-title" ref={heading} class="view-title" tabIndex={-1}><Text of={device?.title ?? name} /></h2>
      {device && <State of={device.state} />}
      {device && !device.registered && <span class="entry-tag">not registered</span>}
    </div>
  );
}

function Description({ of, reload }: { of: ReadDevice; reload(): Promise<void> }) {
  const { name, type, location, latitude, longitude, sampling_rate, tags, note, registered, created_at, last_seen } = of.device;
  return (
    <>
      <dl class="entry-facts device-facts">
        <Fact name="Name"><Text of={name} /></Fact>
        <Fact name="Last seen">{last_seen === null ? "never" : <Age at={last_seen} />}</Fact>
        {registered && <Fact name="Type"><Said of={type} /></Fact>}
        {registered && <Fact name="Location"><Said of={location} /></Fact>}
        {latitude !== null && longitude !== null && <Fact name="Position">{latitude}°, {longitude}°</Fact>}
        {registered && <Fact name="Sampling rate">{sampling_rate === null ? "not set" : `every ${sampling_rate} s`}</Fact>}
        {tags.length > 0 && <Fact name="Tags"><span class="device-tags">{tags.map((tag) => <span key={tag} class="entry-tag"><Text of={tag} /></span>)}</span></Fact>}
        {created_at && <Fact name="Registered"><When at={created_at} /></Fact>}
      </dl>
      {note !== null && <p class="device-said"><Text of={note} lines /></p>}
      {!registered && may("adopt") && <Adopt name={name} reload={reload} />}
      {may("devices") && <Changes of={of} reload={reload} />}
    </>
  );
}

function Said({ of }: { of: string | null }) {
  return of === null ? <>not set</> : <Text of={of} />;
}

/** Registers a device that was heard, by its name alone. */
function Adopt({ name, reload }: { name: string; reload(): Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const adopt = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await addDevice({ name });
      done.value = `Registered the device ${visible(name)}.`;
      document.getElementById("device-title")?.focus();
      await reload();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <>
      <p class="view-note">It sends readings, and nobody has registered it. Adopt it if it belongs here.</p>
      <div class="replies"><button class="button main" aria-disabled={busy} onClick={adopt}>{busy ? "Adopting…" : "Adopt"}</button></div>
      <Problem of={problem} what="Not adopted" />
    </>
  );
}

/** The form that is open; each opening has a number of its own, so that it begins anew. */
function Changes({ of, reload }: { of: ReadDevice; reload(): Promise<void> }) {
  const { name, registered } = of.device;
  const [form, setForm] = useState(0);
  const change = useRef<HTMLButtonElement>(null);
  const close = () => {
    setForm(0);
    change.current?.focus();
  };
  const finish = async () => {
    close();
    done.value = `Changed the device ${visible(name)}.`;
    await reload();
  };
  const restart = async () => {
    await reload();
    setForm(form + 1);
  };
  return (
    <>
      <Lifecycle of={of.device} reload={reload}>
        {registered && <button ref={change} class="button" aria-expanded={form > 0} aria-label={`Change ${visible(name)}`} onClick={() => setForm(form > 0 ? 0 : 1)}>Change…</button>}
      </Lifecycle>
      {form > 0 && <DeviceForm key={form} of={of} finish={finish} restart={restart} close={close} />}
    </>
  );
}

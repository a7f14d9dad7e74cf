import { useEffect, useState } from "preact/hooks";
import { hrefOfDevice } from "../address/view";
import type { Device } from "../api/devices";
import { may } from "../live/caller";
import { openDialog } from "../ui/dialogs";
import { Problem } from "../ui/Facts";
import { formatCount } from "../ui/format";
import { More } from "../ui/More";
import { Text } from "../ui/Text";
import { ViewTitle } from "../ui/ViewTitle";
import { visible } from "../ui/visible";
import { Age } from "../ui/When";
import { Bulk, canChoose } from "./Bulk";
import { allOrNone, toggled } from "./many-devices";
import { Cell } from "./Cell";
import { devices, filter, isFiltered, keepLoaded, loadNext, next, problem, reloadAll, type DeviceFilter } from "./device-list";
import { State } from "./State";

/** All devices, page by page. */
export function List() {
  useEffect(keepLoaded, []);
  const found = devices.value;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const choice = canChoose() ? { chosen, set: setChosen } : null;
  return (
    <section class="panel" aria-labelledby="devices-title">
      <div id="devices-title" class="view-head"><ViewTitle of="devices" /></div>
      <div class="entry-tools">
        <p class="view-note">A device that sends readings appears here by itself. Register it to say what it is, and to give it a credential of its own.</p>
        {may("devices") && <button class="button" aria-haspopup="dialog" onClick={() => (openDialog.value = "register")}>Register a device…</button>}
      </div>
      <Filter />
      <Problem of={problem.value} what="The devices could not be loaded" />
      {!found && !problem.value && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-devices">{isFiltered(filter.value) ? "No matching devices" : "No devices yet"}</p>}
      {chosen.size > 0 && <Bulk chosen={chosen} clear={() => setChosen(new Set())} reload={reloadAll} />}
      {found && found.length > 0 && <Table of={found} choice={choice} />}
      {next.value !== null && <More of="more devices" load={loadNext} />}
    </section>
  );
}

const REGISTERED = { "": "all", true: "registered", false: "not registered" };

function Filter() {
  const set = (changed: Partial<DeviceFilter>) => (filter.value = { ...filter.peek(), ...changed });
  return (
    <div class="device-filter" role="search" aria-label="Filter the devices">
      <input
        type="search"
        aria-label="Search devices"
        placeholder="Search name, title, place…"
        autocapitalize="none"
        spellcheck={false}
        value={filter.value.text}
        onInput={(event) => set({ text: event.currentTarget.value })}
      />
      <div class="switch" role="group" aria-label="Registered">
        {Object.entries(REGISTERED).map(([registered, name]) => (
          <button key={registered} aria-pressed={filter.value.registered === registered} onClick={() => set({ registered })}>{name}</button>
        ))}
      </div>
    </div>
  );
}

const HEADS = ["Device", "Type", "Location", "State", "Last seen", "Series"];

/** The devices that something is to be done with; null for a caller who may do nothing with them. */
type Choice = { chosen: ReadonlySet<string>; set(chosen: ReadonlySet<string>): void } | null;

/** Roles are explicit, as phones show the rows as cards. */
function Table({ of, choice }: { of: Device[]; choice: Choice }) {
  return (
    <table class="devices" role="table">
      <caption class="unseen">Devices by their names</caption>
      <thead role="rowgroup">
        <tr role="row">
          {choice && <th scope="col" role="columnheader" class="device-choose"><ChooseAll names={of.map(({ name }) => name)} choice={choice} /></th>}
          {HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}
        </tr>
      </thead>
      <tbody role="rowgroup">{of.map((device) => <Row key={device.name} device={device} choice={choice} />)}</tbody>
    </table>
  );
}

function ChooseAll({ names, choice: { chosen, set } }: { names: string[]; choice: NonNullable<Choice> }) {
  return <input type="checkbox" aria-label="Choose all devices of the list" checked={names.every((name) => chosen.has(name))} onChange={() => set(allOrNone(chosen, names))} />;
}

function Row({ device, choice }: { device: Device; choice: Choice }) {
  const { name, title, type, location, registered, state, last_seen, series } = device;
  return (
    <tr role="row" data-testid="device" data-name={name}>
      {choice && <td role="cell" class="device-choose"><input type="checkbox" aria-label={`Choose ${visible(name)}`} checked={choice.chosen.has(name)} onChange={() => choice.set(toggled(choice.chosen, name))} /></td>}
      <th scope="row" role="rowheader">
        <a href={hrefOfDevice(name)}><Text of={title ?? name} /></a>
        {!registered && <span class="entry-tag">not registered</span>}
        {title !== null && <small><Text of={name} /></small>}
      </th>
      <Cell head="Type" none={type === null}>{type && <Text of={type} />}</Cell>
      <Cell head="Location" none={location === null}>{location && <Text of={location} />}</Cell>
      <Cell head="State"><State of={state} /></Cell>
      <Cell head="Last seen" none={last_seen === null}>{last_seen && <Age at={last_seen} />}</Cell>
      <Cell head="Series" class="device-count">{formatCount(series.length)}</Cell>
    </tr>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { hrefOfDevice } from "../address/view";
import type { Device } from "../api/devices";
import { may } from "../live/caller";
import { openDialog } from "../ui/dialogs";
import { Problem } from "../ui/Facts";
import { formatCount } from "../ui/format";
import { More } from "../ui/More";
import { Text } from "../ui/Text";
import { ViewTitle } from "../ui/ViewTitle";
import { Age } from "../ui/When";
import { devices, filter, isFiltered, keepLoaded, loadNext, next, problem, type DeviceFilter } from "./device-list";
import { State } from "./State";

/** All devices, page by page. */
export function List() {
  useEffect(keepLoaded, []);
  const found = devices.value;
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
      {found && found.length > 0 && <Table of={found} />}
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

/** Roles are explicit, as phones show the rows as cards. */
function Table({ of }: { of: Device[] }) {
  return (
    <table class="devices" role="table">
      <caption class="unseen">Devices by their names</caption>
      <thead role="rowgroup"><tr role="row">{HEADS.map((head) => <th key={head} scope="col" role="columnheader">{head}</th>)}</tr></thead>
      <tbody role="rowgroup">{of.map((device) => <Row key={device.name} device={device} />)}</tbody>
    </table>
  );
}

function Row({ device }: { device: Device }) {
  const { name, title, type, location, registered, state, last_seen, series } = device;
  return (
    <tr role="row" data-testid="device" data-name={name}>
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

/** `none` leaves a cell out on phones: there is nothing to say. */
function Cell({ head, none, children, ...rest }: { head: string; none?: boolean; class?: string; children: ComponentChildren }) {
  return <td role="cell" data-head={head} data-none={none} {...rest}>{children}</td>;
}

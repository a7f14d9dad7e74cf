import { useEffect } from "preact/hooks";
import type { AuditRecord } from "../api/access";
import { Problem } from "../ui/Facts";
import { More } from "../ui/More";
import { WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import { filter, isFiltered, keepLoaded, loadNext, next, problem, records, type AuditFilter } from "./audit-list";
import { changesOf, isTime, refusedText, type Change } from "./changes";
import "../ui/entries.css";
import "./audit.css";

/** What was changed, and what was refused; newest first. */
export function Audit() {
  useEffect(keepLoaded, []);
  const found = records.value;
  return (
    <section class="panel" aria-labelledby="audit-title">
      <div id="audit-title" class="view-head"><ViewTitle of="audit" /></div>
      <p class="view-note">Every change and every refused try, newest first. No record is ever changed: each one holds a hash over the one before.</p>
      <Filter />
      <Problem of={problem.value} what="The audit could not be loaded" />
      {!found && !problem.value && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-records">{isFiltered(filter.value) ? "No matching records" : "No records yet"}</p>}
      <ol class="audit">{found?.map((record) => <Row key={record.number} record={record} />)}</ol>
      {next.value !== null && <More of="older records" load={loadNext} />}
    </section>
  );
}

const OUTCOMES = { "": "all", done: "done", refused: "refused" };

function Filter() {
  const set = (changed: Partial<AuditFilter>) => (filter.value = { ...filter.peek(), ...changed });
  return (
    <div class="audit-filter" role="search" aria-label="Filter the audit">
      {(["actor", "action", "target"] as const).map((name) => (
        <input
          key={name}
          type="search"
          aria-label={`Filter by ${name}`}
          placeholder={`Filter by ${name}`}
          autocapitalize="none"
          spellcheck={false}
          value={filter.value[name]}
          onInput={(event) => set({ [name]: event.currentTarget.value })}
        />
      ))}
      <div class="switch" role="group" aria-label="Outcome">
        {Object.entries(OUTCOMES).map(([outcome, name]) => (
          <button key={outcome} aria-pressed={filter.value.outcome === outcome} onClick={() => set({ outcome })}>{name}</button>
        ))}
      </div>
    </div>
  );
}

/** How the actor came in. */
const WAYS: Record<AuditRecord["via"], string> = {
  session: "on the page",
  key: "with an API key",
  token: "with a token",
  oidc: "by the identity provider",
  mqtt: "over MQTT",
  open: "before there were users",
  command: "on the command line",
  none: "without a login",
};

function Row({ record }: { record: AuditRecord }) {
  const { number, at, via, address, outcome } = record;
  return (
    <li data-testid="audit-record" data-outcome={outcome}>
      <p class="audit-time"><When at={at} /></p>
      <p class="audit-what"><Sentence of={record} /></p>
      <Changes of={changesOf(record)} />
      <p class="audit-way">{WAYS[via] ?? via}{address && <>, from <Text of={address} /></>} · {`no.\u00a0${number}`}</p>
    </li>
  );
}

/** "ann: add user ben", or "ben: refused, users: POST /api/users". */
function Sentence({ of: record }: { of: AuditRecord }) {
  const { actor, action, target, outcome } = record;
  const isRefused = outcome === "refused";
  return (
    <>
      <strong>{actor === null ? "somebody" : <Text of={actor} />}</strong>:{" "}
      {isRefused && <><span class="audit-refused"><WarningShape />{refusedText(record)}</span>, </>}
      <Text of={action} />{target && <>{isRefused ? ": " : " "}<strong><Text of={target} /></strong></>}
    </>
  );
}

function Changes({ of }: { of: Change[] }) {
  if (of.length === 0) return null;
  return (
    <dl class="audit-changes">
      {of.map(({ name, before, after }) => (
        <div key={name}>
          <dt><Text of={name} /></dt>
          <dd>
            {before !== null && <del><Value of={before} /></del>}
            {before !== null && after !== null && <><span aria-hidden="true"> → </span><span class="unseen"> changed to </span></>}
            {after !== null && <ins><Value of={after} /></ins>}
            {after === null && <span class="unseen"> removed</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ of }: { of: string }) {
  return isTime(of) ? <When at={of} /> : <Text of={of} />;
}

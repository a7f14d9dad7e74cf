// Opens the form that a mail links to.

import { effect, signal } from "@preact/signals";
import { clearReplyLink } from "../address/navigate";
import type { ReplyLink } from "../address/reply-link";
import { replyLink } from "../address/state";
import { fetchIncident } from "../api/client";
import { formatMoment } from "../ui/format";
import { visible } from "../ui/visible";
import { may } from "../live/caller";
import { serverNow } from "../live/clock";
import { reply } from "./replying";
import { incidentTarget } from "./target";

/** Why the form is not open. */
export const linkProblem = signal("");

/** Opens the form whenever the address asks for one. */
export function startLinkedForms(): void {
  effect(() => {
    const link = replyLink.value;
    if (!link) return;
    clearReplyLink();
    void openForm(link);
  });
}

async function openForm(link: ReplyLink): Promise<void> {
  try {
    const incident = await fetchIncident(link.incident);
    if (!may(link.kind)) linkProblem.value = `Your account may not ${link.kind} incidents.`;
    else if (!incident) linkProblem.value = "The incident of this link is unknown.";
    else if (incident.resolved_at) {
      linkProblem.value = `${visible(incidentTarget(incident).name)} was resolved at ${formatMoment(Date.parse(incident.resolved_at), serverNow())}.`;
    } else reply.value = { target: incidentTarget(incident), kind: link.kind };
  } catch (error) {
    linkProblem.value = `The incident of this link could not be loaded: ${(error as Error).message}.`;
  }
}

import { toldOf, unsentOf } from "./text";
import type { Alert, Mail } from "../api/client";
import { FoldShape, MailShape } from "../ui/Shapes";
import { When } from "../ui/When";

/** Who was to be told of an alert, and what became of it. */
export function Notices({ alert }: { alert: Alert }) {
  const { mails } = alert;
  if (mails.length === 0) return null;
  const failed = mails.some((mail) => mail.state === "failed");
  return (
    <details class="notices" data-testid="notices" data-failed={failed}>
      <summary><FoldShape /><MailShape />{toldOf(mails)}<span class="unseen"> of {alert.rule} at {alert.device}</span></summary>
      <ul>{mails.map((mail) => <Notice key={`${mail.kind} ${mail.way} ${mail.to} ${mail.asked_at}`} mail={mail} opened={alert.opened_at} />)}</ul>
    </details>
  );
}

function Notice({ mail, opened }: { mail: Mail; opened: string }) {
  return (
    <li data-state={mail.state}>
      <p>{mail.kind} · {mail.way} to {mail.to}</p>
      <p>
        {mail.sent_at ? <>sent <When at={mail.sent_at} beside={opened} /></> : unsentOf(mail)}
        {mail.sent_at && mail.problem && `, but: ${mail.problem}`}
      </p>
    </li>
  );
}

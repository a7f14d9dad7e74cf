import type { Incident, Notification } from "../api/client";
import { FoldShape, MailShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { notificationSummary, unsentText } from "./text";

/** The notifications of an incident, and whether each was sent. */
export function Notifications({ incident }: { incident: Incident }) {
  const { notifications } = incident;
  if (notifications.length === 0) return null;
  const failed = notifications.some((notification) => notification.state === "failed");
  return (
    <details class="notifications" data-testid="notifications" data-failed={failed}>
      <summary><FoldShape /><MailShape />{notificationSummary(notifications)}<span class="unseen"> of {incident.rule} at {incident.device}</span></summary>
      <ul>{notifications.map((notification) => <Item key={`${notification.kind} ${notification.channel} ${notification.to} ${notification.asked_at}`} notification={notification} opened={incident.opened_at} />)}</ul>
    </details>
  );
}

function Item({ notification, opened }: { notification: Notification; opened: string }) {
  return (
    <li data-state={notification.state}>
      <p>{notification.kind} · {notification.channel} to <Text of={notification.to} /></p>
      <p>
        {notification.sent_at ? <>sent <When at={notification.sent_at} beside={opened} /></> : <Text of={unsentText(notification)} />}
        {notification.sent_at && notification.problem && <>, but: <Text of={notification.problem} /></>}
      </p>
    </li>
  );
}

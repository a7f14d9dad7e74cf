// A link of a mail to the form of an incident.

export interface ReplyLink {
  kind: "acknowledge" | "silence";
  /** The id of an incident. */
  incident: string;
}

const KINDS = ["acknowledge", "silence"] as const;

export function replyLinkFrom(search: string): ReplyLink | null {
  const query = new URLSearchParams(search);
  const kind = KINDS.find((name) => query.get(name));
  return kind ? { kind, incident: query.get(kind)! } : null;
}

/** The address without the link; everything else in it stays. */
export function withoutReplyLink(search: string): string {
  const others = search.replace(/^\?/, "").split("&").filter((part) => part && !KINDS.some((kind) => part.startsWith(`${kind}=`)));
  return others.length > 0 ? `?${others.join("&")}` : "";
}

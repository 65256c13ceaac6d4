// What the server tells, as web/inbox/shapes.py and the domain have it.

export type Status = "open" | "pending" | "snoozed" | "closed" | "spam";
export type Priority = "low" | "normal" | "high" | "urgent";
export type Kind = "reply" | "note";

export interface Line {
  id: number;
  contact_id: number;
  contact: string;
  channel: string;
  status: Status;
  priority: Priority;
  subject: string | null;
  preview: string;
  sentiment: string | null;
  assignee_id: number | null;
  assignee: string | null;
  is_starred: boolean;
  is_read: boolean;
  is_woken: boolean;
  snoozed_until: string | null;
  active_at: string;
  tag_ids: number[];
}

export interface File {
  uuid: string;
  name: string;
  content_type: string;
  size: number;
  url: string;
}

export interface Said {
  type: "message" | "note";
  id: number;
  uuid: string;
  direction: "in" | "out";
  status: string;
  body: string;
  is_cut: boolean;
  has_original: boolean;
  subject: string | null;
  attachments: { name: string; content_type: string; url: string }[];
  user_id: number | null;
  user_name: string | null;
  reason: string | null;
  error: string | null;
  created_at: string;
  scheduled_at: string | null;
  delivered_at: string | null;
  read_at: string | null;
}

export interface Stretch {
  entries: Said[];
  earlier: string | null;
}

export interface Channel {
  kind: string;
  name: string;
  address: string;
  takes_files: boolean;
  is_active: boolean;
  has_window: boolean;
  open_until: string | null;
}

export interface Present {
  user_id: number;
  name: string;
  is_typing: boolean;
  holds: boolean;
}

export interface Content {
  text?: string;
  subject?: string;
  cc?: string;
  bcc?: string;
  files?: File[];
}

export interface Draft {
  kind: Kind;
  content: Content;
  updated_at: string;
}

export interface Opened {
  line: Line;
  history: Stretch;
  channel: Channel;
  draft: Draft | null;
  present: Present[];
  place: number | null;
}

export interface View {
  id: number;
  name: string;
  query: string;
  is_shared: boolean;
}

export interface Colleague {
  id: number;
  name: string;
  email: string;
}

export interface Tag {
  id: number;
  name: string;
  color: string;
}

export interface Canned {
  id: number;
  title: string;
  shortcut: string | null;
  text: string;
  missing: string[];
  files: File[];
}

export interface Template {
  id: number;
  name: string;
  language: string;
  category: string;
  body: string;
  variables: string[];
  known: Record<string, string>;
}

export interface Steps {
  status?: Status;
  priority?: Priority;
  assignee?: "me" | "nobody";
  until?: string;
  add_tags?: number[];
  reply?: string;
}

export interface Macro {
  id: number;
  name: string;
  steps: Steps;
  is_shared: boolean;
}

// What somebody wants of the inbox, on all their devices.
export interface Member {
  signature: string;
  keys: Record<string, string>;
  quiet_from: string;
  quiet_until: string;
  is_away: boolean;
}

export interface Rules {
  assigns: "nobody" | "turns" | "least";
  reopened: "same" | "again" | "nobody";
  returns: boolean;
  capacity: number;
}

export interface Suggestion {
  text: string;
  model: string;
  confidence: number;
  unsupported: string[];
  sources: { number: number; title: string; url: string }[];
}

export interface Mood {
  sentiment: string;
  emotions: string[];
  urgency: string | null;
  method: string;
}

export interface Panel {
  contact: {
    id: number;
    name: string;
    email: string;
    phone: string;
    company: string;
    language: string;
    status: string;
    do_not_disturb: boolean;
    bot_active: boolean;
    notes: string;
    created_at: string;
    last_seen_at: string | null;
    is_deleted: boolean;
    tags: Tag[];
  };
  fields: { key: string; label: string; value: string }[];
  addresses: { scheme: string; path: string }[];
  groups: string[];
  past: { id: number; channel: string; status: Status; preview: string; at: string }[];
  campaigns: { id: number; name: string; status: string; at: string }[];
  flows: { name: string; status: string; at: string; steps: number }[];
}

export interface Start {
  me: { id: number; name: string };
  zone: string;
  mayWrite: boolean;
  mayManage: boolean;
  member: Member;
  standardKeys: Record<string, string>;
  rules: Rules;
  macros: Macro[];
  view: string;
  query: string;
  lines: Line[];
  next: string | null;
  counts: Record<string, number>;
  saved: View[];
  colleagues: Colleague[];
  tags: Tag[];
  opened: Opened | null;
}

// What the shell tells about the workspace: `live` events on the body.
export interface Update {
  kind: string;
  ids: {
    id?: number;
    ids?: number[];
    conversation_id?: number | null;
    contact_id?: number;
    filed?: [number, number][];
    changes?: [number, string, number | null, number | null, string | null][];
  };
}

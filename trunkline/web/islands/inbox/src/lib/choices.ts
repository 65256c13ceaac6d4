// Choices: what the picker offers for each thing that is done with conversations.

import { get } from "./api";
import type { Inbox } from "./inbox.svelte";
import { _ } from "./words";

export interface Asked {
  what: "assign" | "label" | "priority" | "snooze" | "merge" | "macro" | "more" | "contact" | "block";
  ids: number[];
}

export interface Option {
  text: string;
  hint?: string;
  color?: string;
  isOn?: boolean;
  keep?: boolean;
  act: () => void;
}

export interface Choices {
  title: string;
  options: Option[];
  kind?: "moment";
  make?: (text: string) => void;
  search?: (text: string) => Promise<Option[]>;
}

export function choices(inbox: Inbox, asked: Asked, ask: (what: Asked["what"]) => void): Choices {
  switch (asked.what) {
    case "assign":
      return assign(inbox, asked.ids);
    case "label":
      return label(inbox, asked.ids);
    case "priority":
      return priority(inbox, asked.ids);
    case "snooze":
      return snooze(inbox, asked.ids);
    case "merge":
      return merge(inbox, asked.ids);
    case "macro":
      return macro(inbox, asked.ids);
    case "more":
      return more(inbox, asked.ids, ask);
    case "contact":
      return contact(inbox, asked.ids);
    case "block":
      return block(inbox);
  }
}

export function spam(inbox: Inbox, ids: number[]): void {
  const isSpam = ids.every((id) => inbox.line(id)?.status === "spam");
  const said = isSpam ? _("No spam.") : _.many(ids.length, "{count} conversation is spam.", "{count} conversations are spam.");
  void inbox.change(ids, { status: isSpam ? "open" : "spam" }, said);
}

export const priorities = (): Record<string, string> => ({
  urgent: _("Urgent"),
  high: _("High"),
  normal: _("Normal"),
  low: _("Low"),
});

function assign(inbox: Inbox, ids: number[]): Choices {
  const now = inbox.line(ids[0] ?? null)?.assignee_id;
  const give = (id: number | null, name: string): void =>
    void inbox.change(ids, { assignee_id: id }, id === null ? _("Assigned to nobody.") : _("Assigned to {name}.", { name }));
  const mine = inbox.colleagues.filter((each) => each.id === inbox.me.id);
  const others = inbox.colleagues.filter((each) => each.id !== inbox.me.id);
  return {
    title: _("Assign to"),
    options: [
      ...[...mine, ...others].map((each) => ({
        text: each.name || each.email,
        hint: each.id === inbox.me.id ? _("you") : each.name ? each.email : "",
        isOn: each.id === now,
        act: () => give(each.id, each.name || each.email),
      })),
      { text: _("Nobody"), isOn: now === null, act: () => give(null, "") },
    ],
  };
}

function label(inbox: Inbox, ids: number[]): Choices {
  const has = (tag: number): boolean => ids.every((id) => inbox.line(id)?.tag_ids.includes(tag));
  return {
    title: _("Labels"),
    options: inbox.tags.map((tag) => ({
      text: tag.name,
      color: tag.color,
      isOn: has(tag.id),
      keep: true,
      act: () => void inbox.change(ids, has(tag.id) ? { remove_tags: [tag.id] } : { add_tags: [tag.id] }),
    })),
    make: (name) =>
      void inbox.makeTag(name).then((tag) => {
        if (tag) void inbox.change(ids, { add_tags: [tag.id] });
      }),
  };
}

function priority(inbox: Inbox, ids: number[]): Choices {
  const now = inbox.line(ids[0] ?? null)?.priority;
  return {
    title: _("Priority"),
    options: Object.entries(priorities()).map(([priority, text]) => ({
      text,
      isOn: priority === now,
      act: () => void inbox.change(ids, { priority }, _("Priority set.")),
    })),
  };
}

function snooze(inbox: Inbox, ids: number[]): Choices {
  const until = (choice: string): void => void inbox.change(ids, { until: choice }, _("Snoozed."));
  return {
    title: _("Snooze until"),
    kind: "moment",
    options: [
      { text: _("Later today"), act: () => until("later") },
      { text: _("Tomorrow"), hint: "9:00", act: () => until("tomorrow") },
      { text: _("Next week"), hint: _("Monday 9:00"), act: () => until("week") },
      { text: _("Until they reply"), act: () => until("reply") },
    ],
    make: until,
  };
}

// Others with the same contact, as far as they are known here.
function merge(inbox: Inbox, ids: number[]): Choices {
  const contacts = new Set(ids.map((id) => inbox.line(id)?.contact_id));
  const [into] = ids;
  if (ids.length > 1 && contacts.size === 1 && into !== undefined) {
    return {
      title: _("Merge"),
      options: ids.map((id) => ({
        text: inbox.line(id)?.subject || inbox.line(id)?.preview || `#${id}`,
        hint: _("keeps its place"),
        act: () => void inbox.merge(id, ids.filter((each) => each !== id)),
      })),
    };
  }
  const past = (inbox.thread?.panel?.past ?? []).filter((each) => each.id !== into);
  return {
    title: _("Take into this conversation"),
    options: past.map((each) => ({
      text: each.preview || `#${each.id}`,
      hint: each.channel,
      act: () => into !== undefined && void inbox.merge(into, [each.id]),
    })),
  };
}

function macro(inbox: Inbox, ids: number[]): Choices {
  return {
    title: _("Macros"),
    options: inbox.macros.map((each) => ({
      text: each.name,
      hint: each.is_shared ? _("for all") : "",
      act: () => void inbox.run(ids, each),
    })),
  };
}

// What is not done every day.
function more(inbox: Inbox, ids: number[], ask: (what: Asked["what"]) => void): Choices {
  const isSpam = ids.every((id) => inbox.line(id)?.status === "spam");
  const isBlocked = inbox.thread?.panel?.contact.status === "blocked";
  return {
    title: _("More"),
    options: [
      { text: _("Macros"), act: () => ask("macro") },
      { text: _("Merge"), act: () => ask("merge") },
      { text: isSpam ? _("No spam") : _("Spam"), act: () => spam(inbox, ids) },
      { text: _("Change the contact"), act: () => ask("contact") },
      { text: isBlocked ? _("Let the contact write again") : _("Block the contact"), act: () => ask("block") },
    ],
  };
}

function contact(inbox: Inbox, ids: number[]): Choices {
  const [id] = ids;
  const now = inbox.line(id ?? null)?.contact_id;
  interface Found {
    id: number;
    name: string;
    address: string;
  }
  return {
    title: _("With whom is this?"),
    options: [],
    search: async (text) => {
      const { contacts } = await get<{ contacts: Found[] }>("contacts", { q: text });
      return contacts
        .filter((each) => each.id !== now)
        .map((each) => ({
          text: each.name || each.address,
          hint: each.address,
          act: () => id !== undefined && void inbox.rehome(id, each.id),
        }));
    },
  };
}

function block(inbox: Inbox): Choices {
  const contact = inbox.thread?.panel?.contact;
  const name = contact?.name ?? "";
  const isBlocked = contact?.status === "blocked";
  const set = (value: boolean): void => void (contact && inbox.block(contact.id, name, value));
  return {
    title: isBlocked ? _("Let the contact write again") : _("Block the contact"),
    options: isBlocked
      ? [{ text: _("Let {name} write again", { name }), act: () => set(false) }]
      : [
          { text: _("Block {name}", { name }), hint: _("No messages either way"), act: () => set(true) },
          { text: _("Cancel"), act: () => {} },
        ],
  };
}

// One conversation: what was said, what is on its way, who else is here.

import { get, post, Refused, Unreachable } from "./api";
import * as drafts from "./drafts";
import type { Inbox } from "./inbox.svelte";
import { load, store, type Parcel } from "./outbox";
import type { Channel, Content, Draft, Kind, Line, Opened, Panel, Present, Said, Stretch } from "./types";
import { _ } from "./words";

const RETRY_MS = [1000, 2000, 5000, 10_000, 20_000];
const HERE_MS = 20_000;
const TYPING_MS = 4000;
const SETTLE_MS = 4000;

export class Thread {
  line = $state() as Line;
  entries = $state<Said[]>([]);
  earlier = $state<string | null>(null);
  channel = $state<Channel | null>(null);
  present = $state<Present[]>([]);
  place = $state<number | null>(null);
  panel = $state<Panel | null>(null);
  parcels = $state<Parcel[]>([]);
  draft = $state<Draft | null>(null);
  isLoaded = $state(false);
  isLoadingEarlier = $state(false);
  warning = $state<{ text: string; parcel: Parcel } | null>(null);
  restored = $state<{ kind: Kind; content: Content } | null>(null);

  // Marked unread while it is open: looking at it does not make it read again.
  peeks = false;

  readonly inbox: Inbox;
  #heart: ReturnType<typeof setInterval> | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;
  #isTyping = false;
  #turn = 0;
  // Of answers about who is here, only the one that was asked for last counts.
  #greeted = 0;
  #sending = new Set<Promise<void>>();
  // What waits for its next try, by the parcel's id.
  #waiting = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(inbox: Inbox, line: Line) {
    this.inbox = inbox;
    this.line = line;
    this.parcels = load(inbox.me.id).filter((each) => each.conversation === line.id);
  }

  get newest(): number {
    return this.entries.reduce((most, each) => (each.type === "message" ? Math.max(most, each.id) : most), 0);
  }

  show(opened: Opened): void {
    this.line = opened.line;
    this.channel = opened.channel;
    this.present = opened.present;
    this.place = opened.place;
    this.draft = drafts.newest(this.inbox.me.id, opened.line.id, opened.draft);
    this.#put(opened.history, true);
    this.isLoaded = true;
    this.#heart ??= setInterval(() => this.#here(), HERE_MS);
    this.#here();
    void this.meet();
    for (const parcel of this.parcels) if (!parcel.trouble) void this.#deliver(parcel);
  }

  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    const greeted = ++this.#greeted;
    try {
      const path = `conversations/${this.line.id}`;
      const opened = await get<Opened>(path, document.hidden || this.peeks ? { peek: "1" } : {});
      if (turn !== this.#turn) return;
      Object.assign(this.line, opened.line);
      this.channel = opened.channel;
      if (greeted === this.#greeted) this.present = opened.present;
      this.place = opened.place;
      this.#put(opened.history, false);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) this.inbox.shut();
    }
  }

  async back(): Promise<void> {
    if (!this.earlier || this.isLoadingEarlier) return;
    this.isLoadingEarlier = true;
    try {
      const part = await get<Stretch>(`conversations/${this.line.id}/messages`, { before: this.earlier });
      this.entries = [...part.entries, ...this.entries];
      this.earlier = part.earlier;
    } catch (error) {
      this.inbox.fail(error);
    } finally {
      this.isLoadingEarlier = false;
    }
  }

  async meet(): Promise<void> {
    const id = this.line.id;
    try {
      const panel = await get<Panel>(`conversations/${id}/panel`);
      if (id === this.line.id) this.panel = panel;
    } catch {
      // The side stays empty; the conversation does not need it.
    }
  }

  // --- Who is here ---

  async greet(): Promise<void> {
    const path = `conversations/${this.line.id}/presence`;
    const turn = ++this.#greeted;
    const told = await get<{ present: Present[] }>(path).catch(() => null);
    if (told && turn === this.#greeted) this.present = told.present;
  }

  type(): void {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.rest(), TYPING_MS);
    if (this.#isTyping) return;
    this.#isTyping = true;
    this.#here();
  }

  rest(): void {
    clearTimeout(this.#typing);
    if (!this.#isTyping) return;
    this.#isTyping = false;
    this.#here();
  }

  // Whoever began to answer first.
  get holder(): Present | undefined {
    return this.present.find((each) => each.holds);
  }

  takeOver(): void {
    this.present = this.present.map((each) => ({ ...each, holds: false }));
    this.#tell("taking", false);
  }

  leave(): void {
    clearInterval(this.#heart);
    clearTimeout(this.#typing);
    this.#heart = undefined;
    drafts.flush();
    this.#tell("gone", true);
  }

  // --- Sending: shown at once, repeated until it is known to have arrived. ---

  send(parcel: Parcel): void {
    this.peeks = false;
    this.rest();
    this.parcels = [...this.parcels, parcel];
    this.#store();
    drafts.forget(this.inbox.me.id, this.line.id);
    void this.#deliver(parcel);
  }

  again(parcel: Parcel, anyway = false): void {
    this.warning = null;
    const renewed = { ...parcel, trouble: "", isLost: false, anyway: anyway || parcel.anyway, seen: this.newest };
    this.#replace(parcel, renewed);
    void this.#deliver(renewed);
  }

  // The server is there again: what waits for it need not wait longer.
  resume(): void {
    for (const parcel of this.parcels) if (this.#waiting.has(parcel.client_id)) this.#retry(parcel, 0);
  }

  drop(parcel: Parcel): void {
    this.warning = null;
    this.parcels = this.parcels.filter((each) => each.client_id !== parcel.client_id);
    this.#store();
    const { text, subject, files } = parcel;
    this.restored = { kind: parcel.kind, content: { text, subject, files, cc: parcel.cc.join(", "), bcc: parcel.bcc.join(", ") } };
  }

  async takeBack(entry: Said): Promise<void> {
    try {
      await post(`messages/${entry.id}/withdrawal`);
      this.entries = this.entries.filter((each) => each !== entry && each.uuid !== entry.uuid);
      const signed = `\n\n-- \n${this.inbox.member.signature}`;
      const text = entry.body.endsWith(signed) ? entry.body.slice(0, -signed.length) : entry.body;
      this.restored = { kind: "reply", content: { text } };
    } catch (error) {
      this.inbox.fail(error);
      void this.refresh();
    }
  }

  // An approved template: also to somebody who has not written for long. Returns what is wrong with it.
  async offer(template_id: number, variables: Record<string, string>, client_id: string): Promise<string> {
    try {
      const given = { client_id, template_id, variables, seen: this.newest };
      const { entry } = await post<{ entry: Said }>(`conversations/${this.line.id}/template`, given);
      this.#put({ entries: [entry], earlier: this.earlier }, false);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  async forward(entry: Said, to: string, comment: string, client_id: string): Promise<string> {
    try {
      const told = await post<{ entry: Said }>(`messages/${entry.id}/forward`, { client_id, to, comment });
      this.#put({ entries: [told.entry], earlier: this.earlier }, false);
      this.inbox.say(_("Forwarded to {address}.", { address: to }));
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  // What is done next must not overtake a reply: that would open again what was closed.
  async settled(): Promise<void> {
    await Promise.race([Promise.all(this.#sending), new Promise((done) => setTimeout(done, SETTLE_MS))]);
  }

  #deliver(parcel: Parcel, attempt = 0): Promise<void> {
    const going = this.#try(parcel, attempt).finally(() => this.#sending.delete(going));
    this.#sending.add(going);
    return going;
  }

  async #try(parcel: Parcel, attempt: number): Promise<void> {
    const path = `conversations/${parcel.conversation}/${parcel.kind === "note" ? "notes" : "replies"}`;
    try {
      const { entry } = await post<{ entry: Said }>(path, wire(parcel));
      this.parcels = this.parcels.filter((each) => each.client_id !== parcel.client_id);
      this.#store();
      this.inbox.isSignedOut = false;
      if (this.line.id === parcel.conversation) this.#put({ entries: [entry], earlier: this.earlier }, false);
    } catch (error) {
      const isRunning = error instanceof Refused && error.code === "request_in_progress";
      if (error instanceof Unreachable || isRunning) {
        this.#replace(parcel, { ...parcel, isLost: true });
        const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
        this.#waiting.set(parcel.client_id, setTimeout(() => this.#retry(parcel, attempt + 1), wait));
        return;
      }
      if (error instanceof Refused && error.status === 401) this.inbox.isSignedOut = true;
      const failed = { ...parcel, trouble: (error as Error).message };
      this.#replace(parcel, failed);
      if (error instanceof Refused && error.code === "answered_meanwhile") {
        this.warning = { text: error.message, parcel: failed };
        void this.refresh();
      }
    }
  }

  #retry(parcel: Parcel, attempt: number): void {
    clearTimeout(this.#waiting.get(parcel.client_id));
    this.#waiting.delete(parcel.client_id);
    if (this.parcels.some((each) => each.client_id === parcel.client_id && !each.trouble)) void this.#deliver(parcel, attempt);
  }

  #replace(old: Parcel, parcel: Parcel): void {
    this.parcels = this.parcels.map((each) => (each.client_id === old.client_id ? parcel : each));
    this.#store();
  }

  #store(): void {
    const others = load(this.inbox.me.id).filter((each) => each.conversation !== this.line.id);
    store(this.inbox.me.id, [...others, ...$state.snapshot(this.parcels)]);
  }

  // What is known already stays in its place, so that reading is not disturbed.
  #put(part: Stretch, isFirst: boolean): void {
    if (isFirst || !this.entries.length) {
      this.entries = part.entries;
      this.earlier = part.earlier;
      return;
    }
    const fresh = new Map(part.entries.map((each) => [`${each.type}${each.id}`, each]));
    const oldest = part.entries[0];
    const isGone = (each: Said): boolean =>
      part.entries.length > 1 && oldest !== undefined && each.created_at > oldest.created_at && each.status !== "local";
    const kept = this.entries
      .map((each) => fresh.get(`${each.type}${each.id}`) ?? (isGone(each) ? null : each))
      .filter((each) => each !== null);
    const known = new Set(kept.map((each) => `${each.type}${each.id}`));
    const added = part.entries.filter((each) => !known.has(`${each.type}${each.id}`));
    this.entries = [...kept, ...added].sort((a, b) => (a.created_at < b.created_at ? -1 : a.created_at > b.created_at ? 1 : 0));
  }

  #here(): void {
    if (document.hidden && !this.#isTyping) return;
    this.#tell(this.#isTyping ? "typing" : "viewing", false);
  }

  #tell(doing: string, keepalive: boolean): void {
    const path = `conversations/${this.line.id}/presence`;
    const turn = ++this.#greeted;
    post<{ present: Present[] }>(path, { doing }, { keepalive })
      .then((told) => doing !== "gone" && turn === this.#greeted && (this.present = told.present))
      .catch((error) => error instanceof Refused && error.status === 401 && (this.inbox.isSignedOut = true));
  }
}

function wire(parcel: Parcel): Record<string, unknown> {
  if (parcel.kind === "note") return { client_id: parcel.client_id, text: parcel.text };
  return {
    client_id: parcel.client_id,
    text: parcel.text,
    files: parcel.files.map((file) => file.uuid),
    subject: parcel.subject || null,
    cc: parcel.cc,
    bcc: parcel.bcc,
    at: parcel.at,
    hold: parcel.at ? 0 : parcel.hold,
    seen: parcel.seen,
    anyway: parcel.anyway,
    sign: parcel.sign ?? false,
  };
}

export const reasons = (entry: Said): string => entry.error || entry.reason || _("It could not be delivered.");

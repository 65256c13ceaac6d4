// The inbox: the list of one view, what is chosen in it, and what happens meanwhile.

import { SvelteSet } from "svelte/reactivity";
import { get, post, Unreachable } from "./api";
import { Thread } from "./thread.svelte";
import { deeds, tell } from "./keys";
import { isQuiet } from "./time";
import type { Colleague, Line, Macro, Member, Opened, Rules, Start, Steps, Tag, Update, View } from "./types";
import { beep, notify, wishes } from "./wishes.svelte";
import { _ } from "./words";

const CATCH_MS = 80;
const COUNT_MS = 600;
const TOAST_MS = 7000;
const AT_ONCE = 200;

export interface Toast {
  id: number;
  text: string;
  action?: string;
  act?: () => void;
}

export interface Change {
  status?: string;
  priority?: string;
  is_starred?: boolean;
  is_read?: boolean;
  assignee_id?: number | null;
  until?: string;
  add_tags?: number[];
  remove_tags?: number[];
}

export class Inbox {
  readonly me: Start["me"];
  readonly mayWrite: boolean;
  readonly mayManage: boolean;
  readonly standardKeys: Record<string, string>;
  member = $state() as Member;
  rules = $state() as Rules;
  macros = $state<Macro[]>([]);
  lines = $state<Line[]>([]);
  next = $state<string | null>(null);
  view = $state("all");
  query = $state("");
  counts = $state<Record<string, number>>({});
  saved = $state<View[]>([]);
  colleagues = $state<Colleague[]>([]);
  tags = $state<Tag[]>([]);
  chosen = new SvelteSet<number>();
  at = $state<number | null>(null);
  thread = $state<Thread | null>(null);
  pane = $state<"list" | "thread" | "panel">("list");
  loading = $state(false);
  trouble = $state("");
  isOnline = $state(navigator.onLine);
  isSignedOut = $state(false);
  toasts = $state<Toast[]>([]);
  now = $state(Date.now());

  #touched = new Set<number>();
  #rung = new Set<number>();
  #last: (() => void) | null = null;
  #catching: ReturnType<typeof setTimeout> | undefined;
  #counting: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #toasted = 0;

  constructor(start: Start) {
    this.me = start.me;
    this.mayWrite = start.mayWrite;
    this.mayManage = start.mayManage;
    this.standardKeys = start.standardKeys;
    this.member = start.member;
    this.rules = start.rules;
    this.macros = start.macros;
    this.lines = start.lines;
    this.next = start.next;
    this.view = start.view;
    this.query = start.query;
    this.counts = start.counts;
    this.saved = start.saved;
    this.colleagues = start.colleagues;
    this.tags = start.tags;
    if (start.opened) this.#show(start.opened);
    setInterval(() => (this.now = Date.now()), 30_000);
    tell(this.standardKeys, this.member.keys);
  }

  get unread(): number {
    return (this.counts.unread ?? 0) + (this.counts.mentions ?? 0);
  }

  get deeds(): Record<string, string> {
    return deeds(this.standardKeys, this.member.keys);
  }

  tag(id: number): Tag | undefined {
    return this.tags.find((each) => each.id === id);
  }

  line(id: number | null): Line | undefined {
    return this.lines.find((each) => each.id === id) ?? (this.thread?.line.id === id ? this.thread?.line : undefined);
  }

  // --- Lists ---

  async look(view: string, query = ""): Promise<void> {
    this.view = view;
    this.query = query;
    this.chosen.clear();
    this.pane = "list";
    this.#address();
    await this.reload();
  }

  async reload(): Promise<void> {
    const turn = ++this.#asked;
    this.loading = true;
    try {
      const told = await get<{ lines: Line[]; next: string | null }>("list", { view: this.view, q: this.query });
      if (turn !== this.#asked) return;
      this.lines = told.lines;
      this.next = told.next;
      this.trouble = "";
    } catch (error) {
      if (turn === this.#asked) this.trouble = (error as Error).message;
    } finally {
      if (turn === this.#asked) this.loading = false;
    }
  }

  async more(): Promise<void> {
    if (this.loading || !this.next) return;
    const turn = this.#asked;
    this.loading = true;
    try {
      const query = { view: this.view, q: this.query, after: this.next };
      const told = await get<{ lines: Line[]; next: string | null }>("list", query);
      if (turn !== this.#asked) return;
      const known = new Set(this.lines.map((each) => each.id));
      this.lines = [...this.lines, ...told.lines.filter((each) => !known.has(each.id))];
      this.next = told.next;
    } catch {
      // The next scroll asks again.
    } finally {
      this.loading = false;
    }
  }

  async count(): Promise<void> {
    try {
      const told = await get<{ counts: Record<string, number>; saved: View[] }>("views");
      this.counts = told.counts;
      this.saved = told.saved;
    } catch {
      // The next event asks again.
    }
  }

  // --- One conversation ---

  async open(id: number, pane = true): Promise<void> {
    this.at = id;
    if (pane) this.pane = "thread";
    if (this.thread?.line.id === id) return;
    this.thread?.leave();
    const known = this.lines.find((each) => each.id === id);
    if (known) {
      this.thread = new Thread(this, known);
      known.is_read = true;
    }
    try {
      const opened = await get<Opened>(`conversations/${id}`);
      if (this.at !== id) return;
      this.#show(opened, pane);
    } catch (error) {
      this.fail(error);
    }
  }

  shut(): void {
    this.thread?.leave();
    this.thread = null;
    this.pane = "list";
    this.#address();
  }

  step(by: number): void {
    if (!this.lines.length) return;
    const place = this.lines.findIndex((each) => each.id === this.at);
    const next = this.lines[Math.min(this.lines.length - 1, Math.max(0, place + by))];
    if (!next) return;
    this.at = next.id;
    if (this.thread) void this.open(next.id);
    if (this.lines.length - place < 12) void this.more();
  }

  // --- Changes: shown at once, taken back when they are refused. ---

  targets(): number[] {
    if (this.chosen.size) return [...this.chosen];
    const id = this.thread?.line.id ?? this.at;
    return id === null ? [] : [id];
  }

  async change(ids: number[], change: Change, said = ""): Promise<void> {
    if (!ids.length || !this.mayWrite) return;
    const before = ids.map((id) => this.line(id)).filter((each) => each !== undefined).map((each) => ({ ...each }));
    if (this.thread && ids.includes(this.thread.line.id) && change.is_read !== undefined) this.thread.peeks = !change.is_read;
    const leaves = change.status !== undefined || change.until !== undefined;
    for (const id of ids) this.#put(id, (line) => Object.assign(line, this.#shown(line, change)));
    if (leaves) this.#leave(ids);
    try {
      if (this.thread && ids.includes(this.thread.line.id)) await this.thread.settled();
      for (let start = 0; start < ids.length; start += AT_ONCE) {
        const told = await post<{ lines: Line[] }>("changes", { ids: ids.slice(start, start + AT_ONCE), ...change });
        for (const line of told.lines) this.#put(line.id, (old) => Object.assign(old, line));
      }
      if (said) this.sayUndoable(said, () => void this.#undo(before));
    } catch (error) {
      for (const line of before) this.#put(line.id, (old) => Object.assign(old, line));
      void this.reload();
      this.fail(error);
    }
    this.#count();
  }

  async merge(into: number, ids: number[]): Promise<void> {
    try {
      await post("merge", { into, ids });
      this.lines = this.lines.filter((each) => !ids.includes(each.id) || each.id === into);
      this.chosen.clear();
      this.say(_("Merged."));
      await this.open(into);
      await this.thread?.refresh();
    } catch (error) {
      this.fail(error);
    }
  }

  // Everything that was just done, taken back with a key.
  undo(): boolean {
    const act = this.#last;
    this.#last = null;
    act?.();
    return act !== null;
  }

  chooseAll(): void {
    for (const line of this.lines) this.chosen.add(line.id);
  }

  async block(id: number, name: string, isBlocked: boolean): Promise<void> {
    try {
      await post(`contacts/${id}`, { is_blocked: isBlocked });
      const said = isBlocked ? _("{name} is blocked.", { name }) : _("{name} may write again.", { name });
      this.sayUndoable(said, () => void this.block(id, name, !isBlocked));
      await this.thread?.meet();
    } catch (error) {
      this.fail(error);
    }
  }

  // The conversation goes to another contact, perhaps into one that they have already.
  async rehome(id: number, contact: number): Promise<void> {
    try {
      const told = await post<{ id: number }>(`conversations/${id}/contact`, { contact_id: contact });
      if (told.id === id) await this.thread?.refresh();
      else await this.open(told.id);
      await this.thread?.meet();
      await this.reload();
      this.say(_("The contact was changed."));
    } catch (error) {
      this.fail(error);
    }
  }

  // A macro sets what it sets at once; its reply waits in the composer.
  async run(ids: number[], macro: Macro): Promise<void> {
    const { status, priority, until, add_tags, assignee, reply } = macro.steps;
    const change: Change = { status, priority, until, add_tags };
    if (assignee) change.assignee_id = assignee === "me" ? this.me.id : null;
    const [id] = ids;
    const isHere = ids.length === 1 && this.thread?.line.id === id;
    if (reply && isHere && this.thread) {
      try {
        const { macros } = await get<{ macros: Macro[] }>(`conversations/${id}/macros`);
        const text = macros.find((each) => each.id === macro.id)?.steps.reply;
        if (text) this.thread.restored = { kind: "reply", content: { text } };
      } catch (error) {
        return this.fail(error);
      }
    }
    const isSet = Object.values(change).some((each) => each !== undefined);
    if (isSet) await this.change(ids, change, _("{name} was run.", { name: macro.name }));
  }

  async keepMacro(name: string, steps: Steps, is_shared: boolean): Promise<string> {
    return this.#keep(() => post<{ macros: Macro[] }>("macros", { name, steps, is_shared }), (told) => (this.macros = told.macros));
  }

  async removeMacro(id: number): Promise<string> {
    return this.#keep(() => post<{ macros: Macro[] }>(`macros/${id}/removal`), (told) => (this.macros = told.macros));
  }

  async keepMember(member: Member): Promise<string> {
    return this.#keep(
      () => post<{ member: Member }>("member", member),
      (told) => {
        this.member = told.member;
        tell(this.standardKeys, told.member.keys);
        this.say(_("Saved."));
      },
    );
  }

  async keepRules(rules: Rules): Promise<string> {
    return this.#keep(
      () => post<{ rules: Rules }>("rules", rules),
      (told) => {
        this.rules = told.rules;
        this.say(_("Saved."));
      },
    );
  }

  async makeTag(name: string): Promise<Tag | null> {
    try {
      const { tag } = await post<{ tag: Tag }>("tags", { name });
      if (!this.tag(tag.id)) this.tags = [...this.tags, tag].sort((a, b) => a.name.localeCompare(b.name));
      return tag;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  async keepView(name: string, is_shared: boolean): Promise<void> {
    try {
      const { view } = await post<{ view: View }>("views", { name, query: this.query, is_shared });
      await this.count();
      await this.look(`saved:${view.id}`);
    } catch (error) {
      this.fail(error);
    }
  }

  async removeView(id: number): Promise<void> {
    await post(`views/${id}/removal`).catch((error) => this.fail(error));
    await this.count();
    await this.look("all");
  }

  // --- What happens elsewhere ---

  hear(update: Update): void {
    const [noun] = update.kind.split(".");
    if (update.kind === "reset") {
      void this.reload();
      void this.thread?.refresh();
      return this.#count();
    }
    const ids = touched(update);
    if (noun === "presence") {
      if (ids.includes(this.thread?.line.id ?? 0)) void this.thread?.greet();
      return;
    }
    if (update.kind === "message.filed" && document.hidden) for (const id of ids) this.#rung.add(id);
    for (const id of ids) this.#touched.add(id);
    if (ids.length) this.#catching ??= setTimeout(() => void this.#catch(), CATCH_MS);
    if (noun === "contact") this.#meet(update);
  }

  sayUndoable(text: string, act: () => void): void {
    this.#last = act;
    this.say(text, _("Undo"), () => {
      this.#last = null;
      act();
    });
  }

  say(text: string, action?: string, act?: () => void): void {
    const id = ++this.#toasted;
    this.toasts = [...this.toasts.slice(-2), { id, text, action, act }];
    setTimeout(() => this.hush(id), TOAST_MS);
  }

  hush(id: number): void {
    this.toasts = this.toasts.filter((each) => each.id !== id);
  }

  fail(error: unknown): void {
    if (error instanceof Unreachable) this.say(_("The server cannot be reached. Nothing was changed."));
    else if ((error as { status?: number }).status === 401) this.isSignedOut = true;
    else this.say((error as Error).message);
  }

  // What a contact is called stands in the list and above the conversation.
  #meet(update: Update): void {
    const contacts = new Set([update.ids.contact_id, ...(update.ids.ids ?? [])]);
    const changed = this.lines.filter((each) => contacts.has(each.contact_id)).map((each) => each.id);
    for (const id of changed) this.#touched.add(id);
    if (this.thread && contacts.has(this.thread.line.contact_id)) {
      this.#touched.add(this.thread.line.id);
      void this.thread.meet();
    }
    if (this.#touched.size) this.#catching ??= setTimeout(() => void this.#catch(), CATCH_MS);
  }

  // Somebody wrote while this page was out of sight: in what is one's own or nobody's.
  async #ring(): Promise<void> {
    const ids = [...this.#rung].slice(0, 20);
    this.#rung.clear();
    if (!ids.length || !(wishes.sound || wishes.notices) || isQuiet(this.member.quiet_from, this.member.quiet_until)) return;
    const { lines } = await get<{ lines: Line[] }>("list", { view: "all", ids: ids.join(",") }).catch(() => ({ lines: [] as Line[] }));
    const mine = lines.filter((each) => each.assignee_id === null || each.assignee_id === this.me.id);
    if (mine.length && wishes.sound) beep();
    if (!wishes.notices) return;
    for (const line of mine) notify(line.contact || _("Somebody wrote to you."), line.preview, `trunkline ${line.id}`, () => void this.open(line.id));
  }

  async #keep<T>(ask: () => Promise<T>, take: (told: T) => void): Promise<string> {
    try {
      take(await ask());
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #catch(): Promise<void> {
    void this.#ring();
    const ids = [...this.#touched].slice(0, 200);
    this.#touched.clear();
    this.#catching = undefined;
    const turn = this.#asked;
    try {
      const shown = { view: this.view, q: this.query, ids: ids.join(",") };
      const { lines } = await get<{ lines: Line[] }>("list", shown);
      // Another view was opened meanwhile: it came with all that is new.
      if (turn === this.#asked) this.#merge(ids, lines);
    } catch {
      // The list stays as it was until the next event.
    }
    if (this.thread && ids.includes(this.thread.line.id)) void this.thread.refresh();
    this.#count();
  }

  #merge(ids: number[], found: Line[]): void {
    const kept = this.lines.filter((each) => !ids.includes(each.id));
    const last = this.lines.at(-1);
    // Beyond the end of what is loaded nothing is put in: it comes when one scrolls there.
    const fitting = found.filter((each) => !this.next || !last || each.active_at >= last.active_at);
    const all = [...kept, ...fitting];
    all.sort((a, b) => (a.active_at === b.active_at ? b.id - a.id : a.active_at < b.active_at ? 1 : -1));
    this.lines = all;
  }

  #count(): void {
    this.#counting ??= setTimeout(() => {
      this.#counting = undefined;
      void this.count();
    }, COUNT_MS);
  }

  #show(opened: Opened, pane = true): void {
    const same = this.thread?.line.id === opened.line.id ? this.thread : new Thread(this, opened.line);
    this.at = opened.line.id;
    if (pane) this.pane = "thread";
    same.show(opened);
    this.thread = same;
    this.#put(opened.line.id, (line) => Object.assign(line, opened.line));
    this.#address();
  }

  #put(id: number, change: (line: Line) => void): void {
    const line = this.lines.find((each) => each.id === id);
    if (line) change(line);
    if (this.thread?.line.id === id && this.thread.line !== line) change(this.thread.line);
  }

  #leave(ids: number[]): void {
    const isStill = (line: Line): boolean =>
      ["closed", "snoozed", "spam"].includes(this.view) ? line.status === this.view : line.status === "open" || line.status === "pending";
    const place = this.lines.findIndex((each) => each.id === this.at);
    if (!this.query.includes("status:")) this.lines = this.lines.filter((each) => !ids.includes(each.id) || isStill(each));
    if (ids.includes(this.at ?? 0)) this.at = this.lines[Math.max(0, Math.min(place, this.lines.length - 1))]?.id ?? this.at;
    for (const id of ids) this.chosen.delete(id);
  }

  #shown(line: Line, change: Change): Partial<Line> {
    const shown: Partial<Line> = {};
    if (change.status) shown.status = change.status as Line["status"];
    if (change.until) shown.status = "snoozed";
    if (change.priority) shown.priority = change.priority as Line["priority"];
    if (change.is_starred !== undefined) shown.is_starred = change.is_starred;
    if (change.is_read !== undefined) shown.is_read = change.is_read;
    if (change.assignee_id !== undefined) {
      const whom = this.colleagues.find((each) => each.id === change.assignee_id);
      shown.assignee_id = change.assignee_id;
      shown.assignee = whom ? whom.name || whom.email : null;
    }
    if (change.add_tags || change.remove_tags) {
      const kept = line.tag_ids.filter((id) => !change.remove_tags?.includes(id));
      shown.tag_ids = [...new Set([...kept, ...(change.add_tags ?? [])])];
    }
    return shown;
  }

  // Each back to what it was; those alike together.
  async #undo(before: Line[]): Promise<void> {
    const groups = new Map<string, [number[], Change]>();
    for (const line of before) {
      const { priority, is_starred, is_read, assignee_id } = line;
      const change: Change = { priority, is_starred, is_read, assignee_id };
      if (line.status === "snoozed" && line.snoozed_until) change.until = line.snoozed_until;
      else change.status = line.status;
      const now = this.line(line.id)?.tag_ids ?? line.tag_ids;
      change.add_tags = line.tag_ids.filter((id) => !now.includes(id));
      change.remove_tags = now.filter((id) => !line.tag_ids.includes(id));
      const key = JSON.stringify(change);
      groups.set(key, [[...(groups.get(key)?.[0] ?? []), line.id], change]);
    }
    for (const [ids, change] of groups.values()) await this.change(ids, change);
    await this.reload();
  }

  #address(): void {
    const said = new URLSearchParams();
    if (this.view !== "all") said.set("view", this.view);
    if (this.query) said.set("q", this.query);
    const path = this.thread ? `/inbox/${this.thread.line.id}` : "/inbox";
    const address = said.size ? `${path}?${said}` : path;
    if (address !== location.pathname + location.search) history.replaceState(null, "", address);
  }
}

function touched({ kind, ids }: Update): number[] {
  const found = [
    ...(kind.startsWith("conversation.") ? [ids.id, ...(ids.ids ?? [])] : []),
    ids.conversation_id,
    ...(ids.filed ?? []).map((pair) => pair[1]),
    ...(ids.changes ?? []).map((change) => change[2]),
  ];
  return [...new Set(found.filter((id): id is number => typeof id === "number"))];
}

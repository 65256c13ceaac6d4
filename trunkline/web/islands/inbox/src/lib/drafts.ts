// Drafts: kept in this browser with every key, and on the server a moment later for the person's other devices.

import { post } from "./api";
import type { Content, Draft, Kind } from "./types";

const WAIT_MS = 1000;
const space = document.body.dataset.workspace ?? "";
const waiting = new Map<number, { timer: ReturnType<typeof setTimeout>; send: (keepalive: boolean) => void }>();

const name = (user: number, conversation: number): string => `inbox-draft ${space} ${user} ${conversation}`;

export const isEmpty = (content: Content): boolean => !content.text?.trim() && !content.files?.length;

export function keep(user: number, conversation: number, kind: Kind, content: Content): void {
  const draft: Draft = { kind, content, updated_at: new Date().toISOString() };
  try {
    if (isEmpty(content)) localStorage.removeItem(name(user, conversation));
    else localStorage.setItem(name(user, conversation), JSON.stringify(draft));
  } catch {
    // A full or forbidden storage: the server keeps it.
  }
  clearTimeout(waiting.get(conversation)?.timer);
  const put = (keepalive: boolean): void => {
    waiting.delete(conversation);
    send(conversation, kind, content, keepalive);
  };
  waiting.set(conversation, { timer: setTimeout(put, WAIT_MS, false), send: put });
}

// Before the page goes: what waits is told at once.
export function flush(): void {
  for (const { timer, send } of [...waiting.values()]) {
    clearTimeout(timer);
    send(true);
  }
}

export function forget(user: number, conversation: number): void {
  clearTimeout(waiting.get(conversation)?.timer);
  waiting.delete(conversation);
  localStorage.removeItem(name(user, conversation));
}

export function newest(user: number, conversation: number, kept: Draft | null): Draft | null {
  const text = localStorage.getItem(name(user, conversation));
  const local: Draft | null = text ? JSON.parse(text) : null;
  if (!local || !kept) return local ?? kept;
  return local.updated_at >= kept.updated_at ? local : kept;
}

function send(conversation: number, kind: Kind, content: Content, keepalive: boolean): void {
  const kept = isEmpty(content) ? {} : content;
  post(`conversations/${conversation}/draft`, { kind, content: kept }, { keepalive }).catch(() => {});
}

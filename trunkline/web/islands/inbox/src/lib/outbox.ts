// The outbox: what was sent and is not known to have arrived. It outlives the page; a repeat is harmless.

import type { File, Kind } from "./types";

export interface Parcel {
  client_id: string;
  conversation: number;
  kind: Kind;
  text: string;
  files: File[];
  subject?: string;
  cc: string[];
  bcc: string[];
  at: string | null;
  hold: number;
  seen: number;
  anyway: boolean;
  created_at: string;
  trouble: string;
  isLost: boolean;
}

const key = (user: number): string => `inbox-outbox ${document.body.dataset.workspace} ${user}`;

export function load(user: number): Parcel[] {
  try {
    return JSON.parse(localStorage.getItem(key(user)) ?? "[]");
  } catch {
    return [];
  }
}

export function store(user: number, parcels: Parcel[]): void {
  try {
    localStorage.setItem(key(user), JSON.stringify(parcels));
  } catch {
    // It still goes out as long as the page is open.
  }
}

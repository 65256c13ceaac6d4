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
  sign?: boolean;
  created_at: string;
  trouble: string;
  isLost: boolean;
}

// Pages on plain http of another host have no crypto.randomUUID.
export function newId(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
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

// Moments for a person, on the workspace's clock.

import { _ } from "./words";

let zone = "UTC";

export const setZone = (name: string): void => {
  zone = name;
};

const format = (at: string | Date, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(_.language, { timeZone: zone, ...options }).format(new Date(at));

/** As HTML takes it: with thousandths of a second at most. */
export const moment = (at: string): string => new Date(at).toISOString();

export const clock = (at: string | Date): string => format(at, { hour: "2-digit", minute: "2-digit", hour12: false });

export const full = (at: string | Date): string =>
  format(at, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });

export const dayOf = (at: string | Date): string => format(at, { year: "numeric", month: "2-digit", day: "2-digit" });

export function dayName(at: string): string {
  const day = dayOf(at);
  if (day === dayOf(new Date())) return _("Today");
  if (day === dayOf(new Date(Date.now() - 86_400_000))) return _("Yesterday");
  return format(at, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

// Whether it is now between two hours like 22:00 and 07:00.
export function isQuiet(from: string, until: string): boolean {
  if (!from || !until) return false;
  const now = clock(new Date());
  return from <= until ? now >= from && now < until : now >= from || now < until;
}

// As short as a list wants it: the hour of today, the day of this year.
export function short(at: string, now: number): string {
  const then = new Date(at).getTime();
  const minutes = Math.round((now - then) / 60_000);
  if (minutes < 1 && minutes > -1) return _("now");
  if (minutes >= 1 && minutes < 60) return _("{count} min", { count: minutes });
  if (dayOf(at) === dayOf(new Date(now))) return clock(at);
  if (now - then < 6 * 86_400_000 && then < now) return format(at, { weekday: "short" });
  return format(at, { day: "numeric", month: "short" });
}

export function left(until: string, now: number): string {
  const minutes = Math.max(0, Math.round((new Date(until).getTime() - now) / 60_000));
  if (minutes < 60) return _("{count} min", { count: minutes });
  return `${_("{count} h", { count: Math.floor(minutes / 60) })} ${_("{count} min", { count: minutes % 60 })}`;
}

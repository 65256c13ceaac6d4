// Asking the server. What cannot be reached is told apart from what is refused: the first is tried again.

import { _ } from "./words";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class Unreachable extends Error {}

const headers = (): Record<string, string> => ({
  Accept: "application/json",
  "X-CSRF": document.body.dataset.csrf ?? "",
});

// Whoever signed in again in another tab has another token.
async function renewed(): Promise<boolean> {
  const { user, workspace } = document.body.dataset;
  const told = await fetch("/session", { cache: "no-store" }).then((answer) => answer.json()).catch(() => ({}));
  if (String(told.user) !== user || told.workspace !== workspace) return false;
  document.body.dataset.csrf = told.csrf;
  return true;
}

export async function ask<T>(path: string, options: RequestInit = {}, isRepeat = false): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/inbox/api/${path}`, { ...options, headers: { ...headers(), ...options.headers } });
  } catch {
    throw new Unreachable(_("The server cannot be reached."));
  }
  const whole = await answer.json().catch(() => undefined);
  const told = whole ?? {};
  if (answer.ok && (whole !== undefined || answer.status === 204)) return told as T;
  // The server died in the middle of its answer.
  if (answer.ok) throw new Unreachable(_("The server cannot be reached."));
  if (told.code === "csrf" && !isRepeat && (await renewed())) return ask(path, options, true);
  if (answer.status >= 500 || answer.status === 429) throw new Unreachable(told.message ?? _("The server cannot be reached."));
  throw new Refused(answer.status, told.code ?? "", told.message ?? answer.statusText);
}

export const get = <T>(path: string, query: Record<string, string> = {}): Promise<T> => {
  const said = new URLSearchParams(query).toString();
  return ask<T>(said ? `${path}?${said}` : path);
};

export const post = <T>(path: string, body: unknown = {}, options: RequestInit = {}): Promise<T> =>
  ask<T>(path, { method: "POST", body: JSON.stringify(body), ...options, headers: { "Content-Type": "application/json" } });

export function upload<T>(file: Blob, name: string): Promise<T> {
  const form = new FormData();
  form.append("file", file, name);
  return ask<T>("files", { method: "POST", body: form });
}

// Keys mean the same on every layout: the letter that is printed where it is Latin, else the place on the keyboard.

export function letter(event: KeyboardEvent): string {
  if (event.key.length > 1) return event.key;
  const key = event.key.toLowerCase();
  if (/^[a-z]$/.test(key) || !/^Key[A-Z]$/.test(event.code)) return key;
  return event.code.slice(3).toLowerCase();
}

// What each key does: the standard ones, in their place one's own.
export const deeds = (standard: Record<string, string>, own: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...standard, ...own }).filter(([, key]) => key).map(([name, key]) => [key, name]));

// The help of the page names the keys as they are now.
export function tell(standard: Record<string, string>, own: Record<string, string>): void {
  for (const each of document.querySelectorAll<HTMLElement>("#keys kbd")) {
    if (each.parentElement?.textContent?.includes("Ctrl") || each.parentElement?.querySelector("kbd")?.textContent === "g") continue;
    each.dataset.was ??= each.textContent ?? "";
    const name = Object.keys(standard).find((one) => standard[one] === each.dataset.was);
    if (name) each.textContent = own[name] ?? each.dataset.was;
  }
}

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;

export const isSending = (event: KeyboardEvent): boolean => event.key === "Enter" && (event.ctrlKey || event.metaKey);

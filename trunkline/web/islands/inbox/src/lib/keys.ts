// Keys mean the same on every layout: the letter that is printed where it is Latin, else the place on the keyboard.

export function letter(event: KeyboardEvent): string {
  if (event.key.length > 1) return event.key;
  const key = event.key.toLowerCase();
  if (/^[a-z]$/.test(key) || !/^Key[A-Z]$/.test(event.code)) return key;
  return event.code.slice(3).toLowerCase();
}

export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;

export const isSending = (event: KeyboardEvent): boolean => event.key === "Enter" && (event.ctrlKey || event.metaKey);

// Words: what the inbox says, in the reader's language. The English text is the key.

type Entry = string | string[];

const language = document.documentElement.lang || "en";
const entries: Record<string, Entry> = JSON.parse(document.getElementById("inbox-words")?.textContent || "{}");
const number = new Intl.NumberFormat(language);

const filled = (text: string, values: Record<string, unknown>): string =>
  text.replace(/\{(\w+)\}/g, (slot, name: string) => (name in values ? String(values[name]) : slot));

function say(text: string, values: Record<string, unknown> = {}): string {
  const entry = entries[text];
  return filled(typeof entry === "string" ? entry : text, values);
}

// Which plural form a count takes, as the CLDR has it.
function form(count: number): number {
  if (language !== "ro") return count === 1 ? 0 : 1;
  const tail = count % 100;
  return count === 1 ? 0 : count === 0 || (tail >= 1 && tail <= 19) ? 1 : 2;
}

function many(count: number, one: string, other: string): string {
  const entry = entries[other];
  const forms = Array.isArray(entry) ? entry : [one, other];
  return filled(forms[Math.min(form(count), forms.length - 1)] ?? other, { count: number.format(count) });
}

export const _ = Object.assign(say, { many, language });

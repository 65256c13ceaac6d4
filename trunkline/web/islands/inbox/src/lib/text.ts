// Texts of other people: cut into plain pieces, never read as markup.

export interface Piece {
  text: string;
  href?: string;
}

const LINK = /https?:\/\/[^\s<>"'`]{2,2000}[^\s<>"'`.,;:!?)\]}]/g;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: match[0], href: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

// What is new in a mail, and what it only quotes.
export function folded(text: string): [string, string] {
  const lines = text.split("\n");
  let from = lines.length;
  while (from > 0 && /^\s*(>.*)?$/.test(lines[from - 1] ?? "")) from -= 1;
  if (!lines.slice(from).some((line) => line.trimStart().startsWith(">"))) return [text, ""];
  if (from > 0 && /:\s*$/.test(lines[from - 1] ?? "")) from -= 1;
  const fresh = lines.slice(0, from).join("\n").trimEnd();
  return fresh ? [fresh, lines.slice(from).join("\n")] : [text, ""];
}

export const initials = (name: string): string => {
  const words = name.replace(/[^\p{L}\p{N} ]/gu, " ").trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")).toUpperCase();
};

export const size = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;

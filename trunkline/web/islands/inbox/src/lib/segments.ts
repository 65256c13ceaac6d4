// How many SMS segments a text takes: the same count as core/segments.py (3GPP TS 23.038).

const BASIC =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED = new Set("\f^{}\\[~]|€");
const GSM = new Set([...BASIC, ...EXTENDED]);

export interface Segments {
  encoding: "GSM-7" | "UCS-2";
  length: number;
  segments: number;
  room: number;
  strange: string[];
}

export function count(text: string): Segments {
  const characters = [...text];
  const strange = [...new Set(characters.filter((each) => !GSM.has(each)))];
  const isPlain = strange.length === 0;
  const cost = (each: string): number => (isPlain ? (EXTENDED.has(each) ? 2 : 1) : each.length);
  const [single, part] = isPlain ? [160, 153] : [70, 67];
  const length = characters.reduce((sum, each) => sum + cost(each), 0);
  const encoding = isPlain ? "GSM-7" : "UCS-2";
  if (length <= single) return { encoding, length, segments: 1, room: single - length, strange };
  let segments = 1;
  let room = part;
  for (const each of characters) {
    if (cost(each) > room) {
      segments += 1;
      room = part;
    }
    room -= cost(each);
  }
  return { encoding, length, segments, room, strange };
}

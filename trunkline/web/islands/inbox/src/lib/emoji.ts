// Shortcodes that become signs as they are closed: `:thumbsup:`.

const SIGNS: Record<string, string> = {
  smile: "😄", grin: "😁", joy: "😂", slight_smile: "🙂", wink: "😉", blush: "😊", heart_eyes: "😍", thinking: "🤔",
  neutral: "😐", confused: "😕", sad: "🙁", cry: "😢", sob: "😭", angry: "😠", scream: "😱", sleepy: "😴", cool: "😎",
  thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", ok: "👌", clap: "👏", wave: "👋", pray: "🙏", muscle: "💪",
  point_right: "👉", heart: "❤️", broken_heart: "💔", star: "⭐", fire: "🔥", tada: "🎉", gift: "🎁", rocket: "🚀",
  check: "✅", x: "❌", warning: "⚠️", question: "❓", bulb: "💡", bell: "🔔", phone: "📞", email: "📧", calendar: "📅",
  clock: "🕐", package: "📦", truck: "🚚", money: "💰", coffee: "☕", sun: "☀️", eyes: "👀", hourglass: "⏳", link: "🔗",
};

export const signs = (search: string): [string, string][] =>
  Object.entries(SIGNS).filter(([name]) => name.includes(search)).sort(([a], [b]) => a.indexOf(search) - b.indexOf(search)).slice(0, 8);

export const withSigns = (text: string): string =>
  text.replace(/:([a-z_+\-1]{1,15}):/g, (code, name: string) => SIGNS[name] ?? code);

/** A piece of a text; with `href` it is a link. `number` is what it calls or texts. */
export interface Part {
  text: string;
  href?: string;
  action?: "call" | "text";
  number?: string;
}

const CHAT = "988lifeline\\.org/chat(?![\\w/-])";
const US_NUMBER = "(?:\\+?1[-. ])?(?:\\(\\d{3}\\) ?|\\d{3}[-. ])\\d{3}[-. ]\\d{4}";

/**
 * `text` in pieces, in order and complete: web addresses (https only, and the chat of 988 as people say it), US phone
 * numbers, and the given short or foreign `numbers` such as 911 and 988. "text 988" and "text START to 88788" open a text
 * message; in "call or text 988" the word "text" does that, and the number calls. What is no link stays plain text; the caller makes nodes of it, never HTML.
 */
export function linkify(text: string, numbers: readonly string[]): Part[] {
  const number = [...numbers.map((each) => each.replace(/[^\w ]/g, "\\$&")), US_NUMBER].join("|");
  const pattern = new RegExp(
    `(https://[^\\s<>"'\`]+|${CHAT})|(text (?:\\w+ to )?|AYUDA por texto al )?(${number})|(text \\w+ to )(\\d{5,6})`,
    "gi",
  );
  const parts: Part[] = [];
  let done = 0;
  const plain = (until: number): void => {
    if (until > done) parts.push({ text: text.slice(done, until) });
  };
  for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
    const start = found.index;
    const links = found[1]
      ? address(found[1], text[start - 1])
      : contact(text, start, found[2] ?? found[4] ?? "", found[3] ?? found[5]!);
    if (!links) {
      pattern.lastIndex = start + 1;
      continue;
    }
    plain(start);
    parts.push(...links);
    done = start + links.reduce((length, link) => length + link.text.length, 0);
    pattern.lastIndex = done;
  }
  plain(text.length);
  return parts;
}

/** What `text` says to call or text, each once. */
export function contactsIn(text: string, numbers: readonly string[]): Part[] {
  const found = linkify(text, numbers).filter((part) => part.number);
  return found.filter((part, index) => found.findIndex(({ href }) => href === part.href) === index);
}

/** Where a press on `number` leads: the number as it is written, since nobody knows its country. */
export function phoneLink(number: string, action: "call" | "text" = "call"): string {
  return `${action === "call" ? "tel" : "sms"}:${number.replace(/[^\d+]/g, "")}`;
}

function address(found: string, before = ""): Part[] | undefined {
  const text = found.replace(/[.,;:!?)\]}*]+$/, "");
  if (!text.includes(":")) return /[\w.@/-]/.test(before) ? undefined : [{ text, href: `https://${text.toLowerCase()}` }];
  try {
    // A name before the host is only ever there to deceive: https://clinic.example@evil.example
    const { protocol, username, href } = new URL(text);
    return protocol === "https:" && !username ? [{ text, href }] : undefined;
  } catch {
    return undefined;
  }
}

function contact(text: string, start: number, verb: string, number: string): Part[] | undefined {
  const before = text[start - 1] ?? "";
  const afterwards = text.slice(start + verb.length + number.length);
  // Part of a longer number, an amount, a word or an address: no phone number.
  if (/[\w$€£+\-./#@:]/.test(before) || /^(\w|%|[-.,/:]\d)/.test(afterwards)) return undefined;
  const call: Part = { text: number, href: phoneLink(number), action: "call", number };
  if (!verb) return [call];
  const written: Part = { text: verb.trimEnd(), href: phoneLink(number, "text"), action: "text", number };
  if (/\bcall or $/i.test(text.slice(0, start))) return [written, { text: verb.slice(written.text.length) }, call];
  return [{ ...written, text: verb + number }];
}

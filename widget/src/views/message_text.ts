import { html, type TemplateResult } from "lit";

import type { Tag } from "../chat";
import { linkify } from "../linkify";
import { fill } from "../words";

/** The numbers besides US ones that texts of this clinic may hold. */
export function numbersOf({ settings }: Tag): string[] {
  return [...new Set([settings.emergencyNumber, settings.crisisLine, settings.clinicPhone, "911", "988"])].filter(Boolean);
}

/** `text` as it came, line breaks included, with its addresses and phone numbers as links. Markup in it stays text. */
export function messageText(tag: Tag, text: string): unknown[] {
  const { words } = tag;
  return linkify(text, numbersOf(tag)).map(({ text: shown, href, action, number }): TemplateResult | string => {
    if (!href) return shown;
    if (!action) return html`<a href=${href} target="_blank" rel="noopener noreferrer">${shown}</a>`;
    const label = fill(action === "call" ? words.callNumber : words.textNumber, { number: number ?? "" });
    // A label must hold the words that are seen; "text AYUDA to 988" is its own label.
    return html`<a href=${href} aria-label=${label.toLowerCase().includes(shown.toLowerCase()) ? label : shown}>${shown}</a>`;
  });
}

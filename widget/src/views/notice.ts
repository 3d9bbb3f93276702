import { html, type TemplateResult } from "lit";

import type { Tag } from "../chat";
import { contactLinks, contactsOf } from "./contacts";

/** The emergency notice: needs the tag's settings and nothing else, so it stands when everything else fails. */
export function noticeView({ settings, words }: Tag): TemplateResult {
  return html`<section class="notice" part="notice" aria-label=${words.noticeLabel}>
    <p>${words.notice}</p>
    ${contactLinks(contactsOf(settings, words), true)}
  </section>`;
}

import { html, nothing, type TemplateResult } from "lit";

import type { Tag } from "../chat";
import type { Finding } from "../nouns";
import { fill } from "../words";

/** What the page's owner is told, here and in the console. */
export function findingWords({ settings, words }: Tag, finding: Finding): string {
  const { server } = settings;
  return fill(words[finding], { server, page: location.origin, socket: server.replace(/^http/, "ws") });
}

/** The check of a page that its owner opens with ?infusion-guide=check. */
export function checkView(tag: Tag, findings: readonly Finding[]): TemplateResult | typeof nothing {
  if (!findings.length) return nothing;
  return html`<section class="check" role="status" aria-label=${tag.words.checkTitle}>
    <h3>${tag.words.checkTitle}</h3>
    ${findings.map((finding) => html`<p>${findingWords(tag, finding)}</p>`)}
  </section>`;
}

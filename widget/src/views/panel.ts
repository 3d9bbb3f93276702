import { html, nothing, type TemplateResult } from "lit";

import type { InfusionGuide } from "../widget";
import { composerView } from "./composer";
import { conversationView } from "./conversation_view";
import { sheetView } from "./header";

/** The part of the panel that changes with the talk; notice and header stand outside it. */
export function panelView(widget: InfusionGuide): TemplateResult {
  const { words } = widget;
  return html`${sheetView(widget)}
    <div
      class="log"
      part="log"
      role="log"
      aria-live="off"
      aria-label=${words.conversation}
      tabindex="0"
      @scroll=${() => widget.scrolled()}
    >
      ${conversationView(widget)}
    </div>
    ${liveRegions(widget)} ${composerView(widget)}`;
}

/*
 * What is read out goes into regions of its own. If the log itself were live, a screen reader would read every button
 * below an answer, and the whole conversation again after a reload.
 */
function liveRegions(widget: InfusionGuide): TemplateResult {
  const { words } = widget;
  return html`<div class="unseen" aria-live="polite" data-live="answers">
      ${widget.answers.map((text) => html`<p>${text}</p>`)}
    </div>
    <div class="unseen" role="alert" data-live="crisis">${widget.alarm}</div>
    <div class="status" part="status" role="status" data-reach=${widget.reach}>
      ${reachWords(widget)}
      ${widget.note && html`<p class=${widget.note.seen ? "" : "unseen"}>${widget.note.text}</p>`}
      ${widget.dots.shown ? html`<p class="unseen">${words.writing}</p>` : nothing}
    </div>`;
}

function reachWords({ reach, words }: InfusionGuide): TemplateResult | typeof nothing {
  return reach === "connecting" || reach === "reconnecting" || reach === "offline" ? html`<p>${words[reach]}</p>` : nothing;
}

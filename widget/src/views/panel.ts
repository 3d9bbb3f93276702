import { html, nothing, type TemplateResult } from "lit";

import type { Chat, Shown } from "../chat";
import { composerView } from "./composer";
import { conversationView, dockView } from "./conversation_view";
import { sheetView } from "./header";
import { icon } from "./icons";

/** The part of the panel that changes with the talk; notice and header stand outside it. */
export function panelView(chat: Chat): TemplateResult {
  const { words } = chat;
  return html`${sheetView(chat)}
    <div class="stage">
      <div
        class="log"
        part="log"
        role="log"
        aria-live="off"
        aria-label=${words.conversation}
        tabindex="0"
        @scroll=${() => chat.scrolled()}
      >
        ${conversationView(chat)}
      </div>
      ${belowView(chat)}
    </div>
    ${dockView(chat)} ${liveRegions(chat)} ${composerView(chat)}`;
}

/** Words that stand below what is in view are never missed. */
function belowView(chat: Chat): TemplateResult | typeof nothing {
  const { below, words } = chat;
  if (!below) return nothing;
  return html`<button type="button" class="filled small below" @click=${() => chat.goDown()}>
    ${icon("down_arrow")}<span class=${below === "more" ? "unseen" : ""}>${words[`${below}Below`]}</span>
  </button>`;
}

/*
 * What is read out goes into regions of its own. If the log itself were live, a screen reader would read every button
 * below an answer, and the whole conversation again after a reload.
 */
function liveRegions(shown: Shown): TemplateResult {
  const { words } = shown;
  return html`<div class="unseen" aria-live="polite" data-live="answers">
      ${shown.answers.map((text) => html`<p>${text}</p>`)}
    </div>
    <div class="unseen" role="alert" data-live="crisis">${shown.alarm}</div>
    <div class="status" part="status" role="status" data-reach=${shown.reach}>
      ${reachWords(shown)}
      ${shown.note && html`<p class=${shown.note.seen ? "" : "unseen"}>${shown.note.text}</p>`}
      ${shown.dots.shown ? html`<p class="unseen">${words.writing}</p>` : nothing}
    </div>`;
}

function reachWords({ reach, words }: Shown): TemplateResult | typeof nothing {
  return reach === "connecting" || reach === "reconnecting" || reach === "offline" ? html`<p>${words[reach]}</p>` : nothing;
}

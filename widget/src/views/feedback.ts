import { html, nothing, type TemplateResult } from "lit";

import type { Chat } from "../chat";
import { keyOf } from "../conversation";
import type { Reply, Thumb } from "../nouns";
import { icon } from "./icons";

/** Thumbs for one reply, and after a thumb down room for a reason; a patient who is content is not asked on. */
export function feedbackView(chat: Chat, reply: Reply): TemplateResult {
  const { words } = chat;
  const opinion = chat.opinions.get(keyOf(reply));
  const thumb = (value: Thumb, label: string): TemplateResult =>
    html`<button
      type="button"
      class="plain thumb"
      data-value=${value}
      aria-pressed=${opinion?.value === value}
      @click=${() => chat.rate(reply, value)}
    >
      ${icon(value)}<span class="unseen">${label}</span>
    </button>`;
  return html`<span class="feedback" role="group" aria-label=${words.feedbackGroup}>
      ${thumb("up", words.feedbackUp)}${thumb("down", words.feedbackDown)}
    </span>
    ${opinion?.failed ? html`<p class="error">${words.feedbackFailed}</p>` : nothing}
    ${opinion?.asking ? reasonView(chat, reply) : nothing}`;
}

function reasonView(chat: Chat, reply: Reply): TemplateResult {
  const { words } = chat;
  const submit = (event: Event): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("reason") as HTMLInputElement;
    void chat.giveReason(reply, field.value.trim());
  };
  return html`<form class="reason" @submit=${submit}>
    <label>${words.feedbackReason}<input name="reason" type="text" maxlength="500" autocomplete="off" /></label>
    <div class="choices">
      <button class="filled small">${words.feedbackSend}</button>
      <button type="button" class="outlined small" @click=${() => chat.giveReason(reply, "")}>${words.feedbackSkip}</button>
    </div>
  </form>`;
}

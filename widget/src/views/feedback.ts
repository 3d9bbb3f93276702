import { html, nothing, type TemplateResult } from "lit";

import { keyOf, type Reply } from "../conversation";
import type { InfusionGuide } from "../widget";
import { icon } from "./icons";

/** What the patient thinks of one reply, as far as the server knows. */
export interface Opinion {
  value: "up" | "down" | null;
  /** the reason is being asked for */
  asking?: boolean;
  failed?: boolean;
}

/** Thumbs for one reply, and after a thumb down room for a reason; a patient who is content is not asked on. */
export function feedbackView(widget: InfusionGuide, reply: Reply): TemplateResult {
  const { words } = widget;
  const opinion = widget.opinions.get(keyOf(reply));
  const thumb = (value: "up" | "down", label: string): TemplateResult =>
    html`<button
      type="button"
      class="plain thumb"
      data-value=${value}
      aria-pressed=${opinion?.value === value}
      @click=${() => widget.rate(reply, value)}
    >
      ${icon(value)}<span class="unseen">${label}</span>
    </button>`;
  return html`<span class="feedback" role="group" aria-label=${words.feedbackGroup}>
      ${thumb("up", words.feedbackUp)}${thumb("down", words.feedbackDown)}
    </span>
    ${opinion?.failed ? html`<p class="error">${words.feedbackFailed}</p>` : nothing}
    ${opinion?.asking ? reasonView(widget, reply) : nothing}`;
}

function reasonView(widget: InfusionGuide, reply: Reply): TemplateResult {
  const { words } = widget;
  const submit = (event: Event): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("reason") as HTMLInputElement;
    void widget.giveReason(reply, field.value.trim());
  };
  return html`<form class="reason" @submit=${submit}>
    <label>${words.feedbackReason}<input name="reason" type="text" maxlength="500" autocomplete="off" /></label>
    <div class="choices">
      <button class="filled small">${words.feedbackSend}</button>
      <button type="button" class="outlined small" @click=${() => widget.giveReason(reply, "")}>${words.feedbackSkip}</button>
    </div>
  </form>`;
}

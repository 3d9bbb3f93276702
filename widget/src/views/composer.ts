import { html, nothing, type TemplateResult } from "lit";

import type { InfusionGuide } from "../widget";
import { fill } from "../words";
import { privacyLink } from "./header";
import { icon } from "./icons";

const LONGEST = 2000;
const NEAR_THE_END = 200;
/** Characters left at which the counter is read out; at every key it would drown the patient's own typing. */
const READ_OUT = [200, 100, 50, 20, 10, 0];

/** Where the patient writes. */
export function composerView(widget: InfusionGuide): TemplateResult {
  const { words, settings } = widget;
  const left = LONGEST - widget.length;
  const near = left <= NEAR_THE_END;
  const step = near ? READ_OUT.filter((each) => each >= left).pop() : undefined;
  return html`<form class="composer" part="composer" @submit=${(event: Event) => submit(event, widget)}>
      <label class="unseen" for="input">${words.inputLabel}</label>
      <textarea
        id="input"
        part="input"
        rows="1"
        dir="auto"
        maxlength=${LONGEST}
        enterkeyhint="send"
        placeholder=${words.inputPlaceholder}
        aria-describedby="hint"
        ?disabled=${!widget.mayWrite}
        @input=${() => widget.typed()}
        @keydown=${(event: KeyboardEvent) => pressed(event, widget)}
      ></textarea>
      <button class="filled send" ?disabled=${!widget.mayWrite}>${icon("send")}<span>${words.send}</span></button>
      <p id="hint" class="hint" ?hidden=${widget.mayWrite && !near}>
        ${widget.mayWrite ? near && fill(words.charactersLeft, { count: left }) : words.consentNeeded}
      </p>
      <p class="unseen" aria-live="polite">${step === undefined ? nothing : fill(words.charactersLeft, { count: step })}</p>
    </form>
    ${settings.privacyLink ? html`<p class="footer">${privacyLink(widget)}</p>` : nothing}`;
}

function submit(event: Event, widget: InfusionGuide): void {
  event.preventDefault();
  widget.submit();
}

function pressed(event: KeyboardEvent, widget: InfusionGuide): void {
  // While a character is being composed (Japanese, accents), Enter belongs to the keyboard; 229 is older Safari's way to say so.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  widget.submit();
}

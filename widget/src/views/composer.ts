import { html, nothing, type TemplateResult } from "lit";

import type { Chat } from "../chat";
import { fill } from "../words";
import { privacyLink } from "./header";
import { icon } from "./icons";

const LONGEST = 2000;
const NEAR_THE_END = 200;
/** Characters left at which the counter is read out; at every key it would drown the patient's own typing. */
const READ_OUT = [200, 100, 50, 20, 10, 0];

/** Where the patient writes. */
export function composerView(chat: Chat): TemplateResult {
  const { words, settings } = chat;
  const left = LONGEST - chat.length;
  const near = left <= NEAR_THE_END;
  const step = near ? READ_OUT.filter((each) => each >= left).pop() : undefined;
  return html`<form class="composer" part="composer" @submit=${(event: Event) => submit(event, chat)}>
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
        ?disabled=${!chat.mayWrite}
        @input=${() => chat.typed()}
        @keydown=${(event: KeyboardEvent) => pressed(event, chat)}
      ></textarea>
      <button class="filled send" ?disabled=${!chat.mayWrite}>${icon("send")}<span>${words.send}</span></button>
      <p id="hint" class="hint" ?hidden=${chat.mayWrite && !near}>
        ${chat.mayWrite ? near && fill(words.charactersLeft, { count: left }) : words.consentNeeded}
      </p>
      <p class="unseen" aria-live="polite">${step === undefined ? nothing : fill(words.charactersLeft, { count: step })}</p>
    </form>
    ${settings.privacyLink ? html`<p class="footer">${privacyLink(chat)}</p>` : nothing}`;
}

function submit(event: Event, chat: Chat): void {
  event.preventDefault();
  chat.submit();
}

function pressed(event: KeyboardEvent, chat: Chat): void {
  // While a character is being composed (Japanese, accents), Enter belongs to the keyboard; 229 is older Safari's way to say so.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  chat.submit();
}

import { html, nothing, type TemplateResult } from "lit";

import type { Chat, Sheet, Tag } from "../chat";
import { fill } from "../words";
import { clinicContact, contactLinks } from "./contacts";
import { icon } from "./icons";

/** Title and the controls that are always in reach. */
export function headerView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  const opens = (sheet: "person" | "menu", from: Sheet[] = [sheet]): TemplateResult =>
    html`<button
      type="button"
      class=${sheet === "menu" ? "plain" : "outlined"}
      data-sheet=${sheet}
      aria-expanded=${from.includes(chat.sheet)}
      aria-controls="sheet"
      @click=${() => chat.toggleSheet(sheet)}
    >
      ${icon(sheet === "menu" ? "menu" : "person")}<span class=${sheet === "menu" ? "unseen" : ""}>${words[sheet]}</span>
    </button>`;
  return html`<div class="header" part="header">
      <h2 id="title" lang=${settings.title ? settings.language : words.language}>${settings.title || words.title}</h2>
      <p class="subtitle">${words.subtitle}</p>
      ${opens("person")}${opens("menu", ["menu", "erase"])}
      <button type="button" class="plain close" @click=${() => chat.close()}>
        ${icon("close")}<span class="unseen">${words.close}</span>
      </button>
    </div>`;
}

/** What one of the header's buttons opened, over the conversation. */
export function sheetView(chat: Chat): TemplateResult {
  const view = { person: personView, menu: menuView, erase: eraseView, "": () => nothing }[chat.sheet];
  return html`<div class="sheet" id="sheet" part="sheet" ?hidden=${!chat.sheet}>${view(chat)}</div>`;
}

function personView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  const clinic = settings.clinicName || words.theClinic;
  return html`<section aria-label=${words.person}>
    <p>${fill(settings.clinicPhone ? words.personPhone : words.personNoPhone, { clinic })}</p>
    ${contactLinks(clinicContact(settings, words))}
    <p>${words.personHere}</p>
    ${
      chat.mayWrite
        ? html`<button type="button" class="outlined" @click=${() => chat.askForPerson()}>${words.personAsk}</button>`
        : nothing
    }
  </section>`;
}

function menuView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  const item = (text: string, hint: string, act: () => void): TemplateResult =>
    html`<li>
      <button type="button" class="item" @click=${act}>
        ${text}${hint && html`<small>${hint}</small>`}
      </button>
    </li>`;
  return html`<ul class="menu" role="list" aria-label=${words.menu}>
    ${
      chat.mayWrite
        ? html`<li>
            <button type="button" class="item" lang=${words.otherLanguageCode} @click=${() => chat.changeLanguage()}>
              ${words.otherLanguage}
            </button>
          </li>`
        : nothing
    }
    ${item(words.newConversation, words.newConversationHint, () => chat.startAnew())}
    ${item(words.copyTranscript, "", () => chat.copyTranscript())}
    ${item(words.printTranscript, "", () => chat.printTranscript())}
    ${item(words.saveTranscript, words.saveTranscriptHint, () => chat.saveTranscript())}
    ${item(words.deleteConversation, "", () => chat.toggleSheet("erase"))}
    ${settings.privacyLink ? html`<li class="item">${privacyLink(chat)}</li>` : nothing}
  </ul>`;
}

function eraseView(chat: Chat): TemplateResult {
  const { words } = chat;
  return html`<section aria-label=${words.deleteConversation}>
    <p>${words.deleteQuestion}</p>
    <p class="error" role="alert">${chat.eraseError}</p>
    <div class="choices">
      <button type="button" class="danger" @click=${() => chat.erase()}>
        ${chat.erasing ? words.deleteWorking : words.deleteYes}
      </button>
      <button type="button" class="outlined" @click=${() => chat.toggleSheet("")}>${words.deleteNo}</button>
    </div>
  </section>`;
}

/** The clinic's privacy notice, in a window of its own so that the talk is not lost. */
export function privacyLink({ settings, words }: Tag): TemplateResult {
  return html`<a class="privacy" href=${settings.privacyLink} target="_blank" rel="noopener noreferrer">${words.privacy}</a>`;
}

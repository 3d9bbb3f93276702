import { html, nothing, type TemplateResult } from "lit";

import type { Chat, Tag } from "../chat";
import { isCrisis, isOwn, isRateable, keyOf, offered } from "../conversation";
import { numbersIn } from "../linkify";
import type { Reply, Source, Turn } from "../nouns";
import { fill, localeOf, reasonIn, type Words } from "../words";
import { contactLinks, contactsOf } from "./contacts";
import { feedbackView } from "./feedback";
import { icon } from "./icons";
import { messageText, numbersOf } from "./message_text";

/** Everything that was said, from the automatic introduction to the buttons of the last answer. */
export function conversationView(chat: Chat): TemplateResult {
  const { conversation, settings, words } = chat;
  return html`${introductionView(chat)}
  ${conversation.map((turn) => turnView(chat, turn))}
  ${chat.dots.shown ? html`<div class="bubble dots" aria-hidden="true"><i></i><i></i><i></i></div>` : nothing}
  ${quickRepliesView(chat)}
  ${
    chat.reach === "offline"
      ? html`<section class="help" aria-label=${words.offlineHelp}>
        <p>${words.offlineHelp}</p>
        ${contactLinks(contactsOf(settings, words))}
      </section>`
      : nothing
  }
  ${chat.mayWrite ? nothing : consentView(chat)}`;
}

function introductionView(tag: Tag): TemplateResult {
  const { settings, words } = tag;
  const values = {
    emergency: settings.emergencyNumber,
    crisis: settings.crisisLine,
    clinic: settings.clinicName || words.theClinic,
    phone: settings.clinicPhone,
  };
  const person = settings.clinicPhone ? words.introductionPersonPhone : words.introductionPerson;
  const paragraphs = [words.introduction, words.introductionCan, words.introductionEmergency, person];
  return html`<div class="reply" data-key="introduction">
    <div class="bubble theirs introduction" dir="auto">
      <span class="unseen">${words.assistant}: </span>
      ${paragraphs.map((paragraph) => html`<p>${messageText(tag, fill(paragraph, values))}</p>`)}
      <p lang=${settings.greeting ? settings.language : words.language}>${settings.greeting || words.greeting}</p>
    </div>
  </div>`;
}

function turnView(chat: Chat, turn: Turn): TemplateResult {
  const { words } = chat;
  return html`<div class="turn" data-key=${turn.messageId} data-standing=${turn.standing}>
    ${
      turn.text
        ? html`<div class="mine">
          <div class="bubble" dir="auto"
            ><span class="unseen">${words.you}: </span
            ><span lang=${turn.replies[0]?.language || nothing}>${turn.text}</span></div
          >
          <p class="meta">${timeView(turn.at ?? turn.writtenAt, words)}</p>
          ${standingView(chat, turn)}
        </div>`
        : nothing
    }
    ${turn.replies.map((reply) => replyView(chat, reply))}
  </div>`;
}

/** What became of a message, in words, and what can be done about it. */
function standingView(chat: Chat, turn: Turn): TemplateResult | typeof nothing {
  const { words, settings } = chat;
  const says = (text: string, ...choices: TemplateResult[]): TemplateResult =>
    html`<div class="standing"><p>${icon("clock")}${text}</p>
      ${choices.length ? html`<div class="choices">${choices}</div>` : nothing}</div>`;
  const choice = (text: string, act: () => void): TemplateResult =>
    html`<button type="button" class="outlined small" @click=${act}>${text}</button>`;
  const again = choice(words.tryAgain, () => chat.tryAgain(turn));
  const remove = choice(words.remove, () => chat.discard(turn));
  if (turn.slow) return html`${says(words.slow)}${contactLinks(contactsOf(settings, words))}`;
  switch (turn.standing) {
    case "waiting":
      return says(words.waiting);
    case "sent":
      return says(words.sending);
    case "refused":
      return says(fill(words.refused, { reason: reasonIn(words, turn.reason ?? "") }), again, remove);
    case "limited": {
      const seconds = Math.ceil(((turn.retryAt ?? 0) - Date.now()) / 1000);
      return says(seconds > 0 ? fill(words.limited, { seconds }) : words.limitedOver, again, remove);
    }
    case "failed":
      return isOwn(turn) ? says(words.failed, again) : says(words.failed);
    default:
      return turn.standing === "answered" && !turn.replies.length ? says(words.noAnswer) : nothing;
  }
}

function replyView(chat: Chat, reply: Reply): TemplateResult {
  const { words } = chat;
  const crisis = isCrisis(reply);
  return html`<div class="reply ${crisis ? "crisis" : ""}" data-key=${keyOf(reply)} data-action=${reply.action}>
    ${crisis ? crisisView(chat, reply) : nothing}
    <div class="bubble theirs" dir="auto"
      ><span class="unseen">${words.assistant}: </span
      ><span lang=${reply.language || nothing}>${messageText(chat, reply.text)}</span></div
    >
    ${reply.sources.map((source) => sourceView(chat, source, reply.language))}
    <div class="meta">${timeView(reply.at, words)}${isRateable(reply) ? feedbackView(chat, reply) : nothing}</div>
  </div>`;
}

function crisisView(tag: Tag, reply: Reply): TemplateResult {
  const { words, settings } = tag;
  return html`<h3>${icon("alert")}${words.crisisHeading}</h3>
    <div role="group" aria-label=${words.crisisGroup}>
      ${contactLinks(contactsOf(settings, words, numbersIn(reply.text, numbersOf(tag))))}
    </div>`;
}

function sourceView(tag: Tag, { label, claims }: Source, language: string): TemplateResult {
  if (!claims.length) return html`<p class="source" lang=${language || nothing}>${label}</p>`;
  return html`<details class="source" lang=${language || nothing}>
    <summary>${label}</summary>
    <ul>
      ${claims.map((claim) => html`<li dir="auto">${messageText(tag, claim)}</li>`)}
    </ul>
  </details>`;
}

function quickRepliesView(chat: Chat): TemplateResult | typeof nothing {
  const { conversation, words } = chat;
  const buttons = offered(conversation);
  if (!buttons.length || !chat.mayWrite) return nothing;
  const language = conversation[conversation.length - 1]?.replies.find((reply) => reply.language)?.language;
  return html`<div class="quick" role="group" aria-label=${words.quickReplies}>
    ${buttons.map(
      (button) =>
        html`<button type="button" class="outlined" dir="auto" lang=${language || nothing} @click=${() => chat.press(button)}
          >${button.title}</button
        >`,
    )}
  </div>`;
}

function consentView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  return html`<section class="consent" aria-label=${words.consentTitle}>
    <h3>${words.consentTitle}</h3>
    <p lang=${settings.language}>${settings.consent}</p>
    <button type="button" class="filled" @click=${() => chat.agree()}>${words.consentAgree}</button>
  </section>`;
}

function timeView(seconds: number | undefined, words: Words): TemplateResult | typeof nothing {
  if (seconds === undefined) return nothing;
  const time = new Date(seconds * 1000);
  const today = time.toDateString() === new Date().toDateString();
  const shown = time.toLocaleString(localeOf(words), { ...(today ? {} : { dateStyle: "medium" }), timeStyle: "short" });
  return html`<time datetime=${time.toISOString()}>${shown}</time>`;
}

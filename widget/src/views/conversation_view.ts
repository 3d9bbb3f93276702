import { html, nothing, type TemplateResult } from "lit";

import type { Chat, Tag } from "../chat";
import { gravityNow, gravityOf, isOwn, isRateable, keyOf, offered } from "../conversation";
import { contactsIn } from "../linkify";
import type { Reply, Source, Turn } from "../nouns";
import { fill, localeOf, reasonIn, type Words } from "../words";
import { clinicContact, contactLinks, contactsOf, furtherContacts } from "./contacts";
import { feedbackView } from "./feedback";
import { icon } from "./icons";
import { messageText, numbersOf } from "./message_text";

/** Characters from which a patient's message is shown in its first lines only. */
const LONG = 160;

/** Everything that was said, from the automatic introduction to the buttons of the last answer. */
export function conversationView(chat: Chat): TemplateResult {
  const { conversation, words } = chat;
  return html`${introductionView(chat)}
  ${conversation.map((turn) => turnView(chat, turn))}
  ${chat.dots.shown ? html`<div class="bubble dots" aria-hidden="true"><i></i><i></i><i></i></div>` : nothing}
  ${inTheTalk(chat) ? quickRepliesView(chat) : nothing}
  ${
    chat.reach === "offline"
      ? html`<section class="help" aria-label=${words.offlineHelp}>
        <p>${words.offlineHelp}</p>
        ${peopleView(chat)}
      </section>`
      : nothing
  }
  ${chat.mayWrite ? nothing : consentView(chat)}`;
}

/** The numbers of help and of the clinic, for when the assistant is of no use. */
function peopleView({ settings, words }: Tag): TemplateResult {
  return contactLinks([...contactsOf(settings, words), ...clinicContact(settings, words)]);
}

/** Two lines; before anything was said, four questions to tap. */
function introductionView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  const begins = !chat.conversation.length && chat.mayWrite;
  return html`<div class="reply" data-key="introduction">
      <div class="bubble theirs introduction" dir="auto">
        <span class="unseen">${words.assistant}: </span>
        <p>${words.introduction}</p>
        <p lang=${settings.greeting ? settings.language : words.language}>${settings.greeting || words.introductionShort}</p>
      </div>
    </div>
    ${begins ? startersView(chat) : nothing}`;
}

function startersView(chat: Chat): TemplateResult {
  const { settings, words } = chat;
  const usual = [words.starterOne, words.starterTwo, words.starterThree, words.starterFour];
  const questions = settings.starters.length ? settings.starters : usual;
  return html`<section class="starters" aria-label=${words.starters}>
    ${questions.map(
      (question) => html`<button type="button" class="outlined" dir="auto" @click=${() => chat.ask(question)}>
        ${question}
      </button>`,
    )}
    <p>${words.greeting}</p>
  </section>`;
}

function turnView(chat: Chat, turn: Turn): TemplateResult {
  const { words } = chat;
  return html`<div class="turn" data-key=${turn.messageId} data-standing=${turn.standing}>
    ${
      turn.text
        ? html`<div class="mine">
          ${ownWords(chat, turn)}
          <p class="meta">${timeView(turn.at ?? turn.writtenAt, words)}</p>
          ${standingView(chat, turn)}
        </div>`
        : nothing
    }
    ${turn.replies.map((reply) => replyView(chat, reply))}
  </div>`;
}

/** What the patient wrote; a long message in its first lines, so that it never pushes the answer away. */
function ownWords(chat: Chat, turn: Turn): TemplateResult {
  const { words } = chat;
  const long = turn.text.length > LONG || turn.text.split("\n").length > 3;
  const whole = chat.unfolded.has(turn.messageId);
  return html`<div class="bubble ${long && !whole ? "clamped" : ""}" dir="auto"
      ><span class="unseen">${words.you}: </span
      ><span lang=${turn.replies[0]?.language || nothing}>${turn.text}</span></div
    >
    ${
      long
        ? html`<button type="button" class="plain small" aria-expanded=${whole} @click=${() => chat.unfold(turn)}>
            ${whole ? words.showLess : words.showAll}
          </button>`
        : nothing
    }`;
}

/** What became of a message, in words, and what can be done about it. */
function standingView(chat: Chat, turn: Turn): TemplateResult | typeof nothing {
  const { words } = chat;
  const says = (text: string, ...choices: TemplateResult[]): TemplateResult =>
    html`<div class="standing"><p>${icon("clock")}${text}</p>
      ${choices.length ? html`<div class="choices">${choices}</div>` : nothing}</div>`;
  const choice = (text: string, act: () => void): TemplateResult =>
    html`<button type="button" class="outlined small" @click=${act}>${text}</button>`;
  const again = choice(words.tryAgain, () => chat.tryAgain(turn));
  const remove = choice(words.remove, () => chat.discard(turn));
  if (turn.slow) return html`${says(words.slow)}${peopleView(chat)}`;
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
  const gravity = gravityOf(reply);
  // The clinic's own answer begins with whose it is, and so does its source: said once, above it.
  const whose = reply.own ? reply.sources.find(({ claims }) => !claims.length)?.label : undefined;
  const text = whose && reply.text.startsWith(`${whose}:`) ? reply.text.slice(whose.length + 1).trimStart() : reply.text;
  return html`<div
    class="reply ${gravity === "alarm" ? "crisis" : ""} ${reply.own ? "own" : ""}"
    data-key=${keyOf(reply)}
    data-action=${reply.action}
    data-gravity=${gravity}
  >
    ${gravity === "alarm" ? crisisView(chat, reply) : nothing}
    <div class="bubble theirs" dir="auto"
      >${whose ? html`<span class="whose" lang=${reply.language || nothing}>${icon("home")}${whose}</span>` : nothing}<span class="unseen"
        >${words.assistant}: </span
      ><span lang=${reply.language || nothing}>${messageText(chat, text)}</span></div
    >
    <div class="meta">
      ${timeView(reply.at, words)}
      ${sourcesView(chat, reply.sources.filter(({ label }) => label !== whose), reply.language)}
      ${isRateable(reply) ? feedbackView(chat, reply) : nothing}
    </div>
  </div>`;
}

function crisisView(tag: Tag, reply: Reply): TemplateResult {
  const { words, settings } = tag;
  const further = furtherContacts(tag, contactsIn(reply.text, numbersOf(tag)));
  return html`<h3>${icon("alert")}${words.crisisHeading}</h3>
    <div role="group" aria-label=${words.crisisGroup}>
      ${contactLinks([...contactsOf(settings, words), ...further], true)}
    </div>`;
}

/** One quiet line; opened, everything that the reply rests on. */
function sourcesView(tag: Tag, sources: readonly Source[], language: string): TemplateResult | typeof nothing {
  if (!sources.length) return nothing;
  return html`<details
    class="sources"
    @toggle=${({ target }: Event) => (target as HTMLDetailsElement).open && (target as Element).scrollIntoView({ block: "nearest" })}
  >
    <summary>${icon("book")}${fill(tag.words.sources, { count: sources.length })}</summary>
    ${sources.map(
      ({ label, claims }) => html`<p class="source" lang=${language || nothing}>${label}</p>
        ${
          claims.length
            ? html`<ul lang=${language || nothing}>
                ${claims.map((claim) => html`<li dir="auto">${messageText(tag, claim)}</li>`)}
              </ul>`
            : nothing
        }`,
    )}
  </details>`;
}

/** Whether the buttons stand in the talk: after an alarm nothing comes before its numbers. */
function inTheTalk({ conversation }: Chat): boolean {
  return gravityNow(conversation) === "alarm";
}

/** The buttons of the last answer, below the talk: in view whatever is read. */
export function dockView(chat: Chat): TemplateResult | typeof nothing {
  return inTheTalk(chat) ? nothing : quickRepliesView(chat);
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

import { html, type TemplateResult } from "lit";

import { phoneLink } from "../linkify";
import type { Settings } from "../settings";
import { fill, type Words } from "../words";
import { icon } from "./icons";

/** A number to reach people at. `main` is the one to try first in an emergency. */
export interface Contact {
  href: string;
  text: string;
  /** the clinic's number; a person at a desktop computer reads it and picks up a phone */
  number?: string;
  kind: "main" | "call" | "text" | "clinic";
}

/** Where help is: the emergency number, the crisis line by call and by text message, `more` numbers, and the clinic. */
export function contactsOf(settings: Settings, words: Words, more: readonly string[] = []): Contact[] {
  const { emergencyNumber, crisisLine, clinicPhone } = settings;
  const call = (number: string, kind: Contact["kind"]): Contact => ({
    href: phoneLink(number),
    text: fill(words.callNumber, { number }),
    kind,
  });
  return [
    call(emergencyNumber, "main"),
    call(crisisLine, "call"),
    { href: phoneLink(crisisLine, "text"), text: fill(words.textNumber, { number: crisisLine }), kind: "text" },
    ...more
      .filter((number) => ![emergencyNumber, crisisLine, clinicPhone].includes(number))
      .map((number) => call(number, "call")),
    ...clinicContact(settings, words),
  ];
}

/** The clinic's own phone, when the tag names it. */
export function clinicContact({ clinicPhone }: Settings, words: Words): Contact[] {
  return clinicPhone ? [{ href: phoneLink(clinicPhone), text: words.callClinic, number: clinicPhone, kind: "clinic" }] : [];
}

/** The contacts as links that a phone dials. */
export function contactLinks(contacts: readonly Contact[]): TemplateResult {
  return html`<ul class="contacts" role="list">
    ${contacts.map(
      ({ href, text, number, kind }) => html`<li>
        <a class="contact ${kind}" href=${href}
          >${icon(kind === "text" ? "message" : "phone")}<span
            >${text}${number && html` <span class="number">${number}</span>`}</span
          ></a
        >
      </li>`,
    )}
  </ul>`;
}

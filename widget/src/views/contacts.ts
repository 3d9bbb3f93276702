import { html, nothing, type TemplateResult } from "lit";

import { phoneLink, type Part } from "../linkify";
import type { Settings } from "../settings";
import { fill, type Words } from "../words";
import { icon } from "./icons";

/** A number to reach people at. `main` is the one to try first in an emergency. */
export interface Contact {
  href: string;
  text: string;
  /** who answers there, or the number of a name */
  detail?: string;
  kind: "main" | "call" | "text" | "chat" | "clinic";
  /** stands in the emergency notice, too */
  always?: boolean;
}

/** Help lines of the United States that replies name, by the digits that are dialled. */
const NAMES: Record<string, "namePoison" | "nameTreatment" | "nameViolence" | "nameChild"> = {
  "18002221222": "namePoison",
  "18006624357": "nameTreatment",
  "18007997233": "nameViolence",
  "88788": "nameViolence",
  "18004224453": "nameChild",
};

/** Where help is: the emergency number, and the crisis line by call, by text message and by chat. */
export function contactsOf({ emergencyNumber, crisisLine, crisisChat }: Settings, words: Words): Contact[] {
  const line = (href: string, text: string, kind: Contact["kind"], detail?: string): Contact => ({
    href,
    text: fill(text, { number: kind === "main" ? emergencyNumber : crisisLine }),
    kind,
    detail,
    always: true,
  });
  return [
    line(phoneLink(emergencyNumber), words.callNumber, "main", words.nameEmergency),
    line(phoneLink(crisisLine), words.callNumber, "call", words.nameCrisis),
    line(phoneLink(crisisLine, "text"), words.textNumber, "text"),
    ...(crisisChat ? [line(crisisChat, words.chatNumber, "chat")] : []),
  ];
}

/** The help lines that a reply names besides those of `contactsOf`, with their names where we know them. */
export function furtherContacts({ settings, words }: { settings: Settings; words: Words }, found: readonly Part[]): Contact[] {
  const { emergencyNumber, crisisLine, clinicPhone } = settings;
  return found.flatMap(({ text, href = "", action, number = "" }) => {
    if ([emergencyNumber, crisisLine, clinicPhone].includes(number)) return [];
    const known = NAMES[href.replace(/\D/g, "")];
    const said = action === "call" ? fill(words.callNumber, { number }) : text;
    return [{ href, text: known ? words[known] : said, detail: known && text, kind: action ?? "call" }];
  });
}

/** The clinic's own phone, when the tag names it. */
export function clinicContact({ clinicPhone }: Settings, words: Words): Contact[] {
  if (!clinicPhone) return [];
  return [{ href: phoneLink(clinicPhone), text: fill(words.callNumber, { number: clinicPhone }), kind: "clinic" }];
}

/** The contacts as links that a phone dials. `named`: with who answers there. */
export function contactLinks(contacts: readonly Contact[], named = false): TemplateResult {
  return html`<ul class="contacts ${contacts.length % 2 ? "" : "even"}" role="list">
    ${contacts.map(({ href, text, detail, kind, always }) => {
      const web = kind === "chat";
      return html`<li class=${always ? "always" : ""}>
        <a
          class="contact ${kind}"
          href=${href}
          target=${web ? "_blank" : nothing}
          rel=${web ? "noopener noreferrer" : nothing}
          >${icon(kind === "text" || web ? "message" : "phone")}<span
            >${text}${named && detail ? html` <small>${detail}</small>` : nothing}</span
          ></a
        >
      </li>`;
    })}
  </ul>`;
}

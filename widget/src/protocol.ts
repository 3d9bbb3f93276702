import type { Outcome, QuickReply, Reply, Source, StoredTurn } from "./nouns";

/*
 * Reads what the server says (docs/widget.md, "Protocol"). Nothing that comes from outside is believed to have the
 * right shape: what has not is left out, and the rest is still shown.
 */

type Fields = Record<string, unknown>;

/** The fields of `data`; none when it is no object. */
export function fieldsOf(data: unknown): Fields {
  return typeof data === "object" && data !== null ? (data as Fields) : {};
}

/** `value` when it is a text, else "". */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `value` when it is a finite number, else `otherwise`. */
export function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

/** The reply in the data of `bot_uttered`; undefined when it belongs to no message. */
export function replyOf(data: unknown): Reply | undefined {
  const told = fieldsOf(data);
  const messageId = textOf(told.message_id);
  if (!messageId) return undefined;
  const metadata = fieldsOf(told.metadata);
  return {
    messageId,
    number: numberOf(told.number, 0),
    text: textOf(told.text),
    at: numberOf(told.at, Date.now() / 1000),
    action: textOf(metadata.utter_action),
    language: languageOf(metadata.language),
    quickReplies: listOf(told.quick_replies).flatMap(quickReplyOf),
    sources: listOf(told.sources).flatMap(sourceOf),
    ...(listOf(metadata.sources).includes("clinic") ? { own: true } : {}),
  };
}

/** The turns in the data of `history`; none when the server could not ask its database. */
export function turnsOf(data: unknown): StoredTurn[] {
  return listOf(fieldsOf(data).turns).flatMap((each) => {
    const told = fieldsOf(each);
    const messageId = textOf(told.message_id);
    if (!messageId) return [];
    const replies = listOf(told.replies).flatMap((reply) => replyOf({ message_id: messageId, ...fieldsOf(reply) }) ?? []);
    return [{ messageId, text: textOf(told.text), at: numberOf(told.at, 0), replies }];
  });
}

/** The outcome in the data of `turn_end`; one that we do not know is a failure, which the patient can act on. */
export function outcomeOf(data: unknown): Outcome {
  const told = textOf(fieldsOf(data).outcome);
  return told === "answered" || told === "limited" ? told : "failed";
}

/** `value` when it names a language as HTML does ("es", "es-MX"), else "". */
function languageOf(value: unknown): string {
  return /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(textOf(value)) ? textOf(value) : "";
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function quickReplyOf(data: unknown): QuickReply[] {
  const [title, payload] = [textOf(fieldsOf(data).title), textOf(fieldsOf(data).payload)];
  return title && payload ? [{ title, payload }] : [];
}

function sourceOf(data: unknown): Source[] {
  const label = textOf(fieldsOf(data).label);
  return label ? [{ label, claims: listOf(fieldsOf(data).claims).map(textOf).filter(Boolean) }] : [];
}

import type { Conversation } from "./nouns";
import { fill, localeOf, type Words } from "./words";

/** The conversation as plain text for a file: who said what, when, and where it comes from. */
export function transcriptOf(conversation: Conversation, words: Words, now: Date): string {
  const entries = conversation.flatMap((turn) => [
    entry(words.you, turn.at ?? turn.writtenAt, turn.text, words),
    ...turn.replies.map((reply) =>
      entry(words.assistant, reply.at, [reply.text, ...reply.sources.map(({ label }) => `(${label})`)].join("\n"), words),
    ),
  ]);
  return [fill(words.transcriptHeading, { time: now.toLocaleString(localeOf(words)) }), words.notice, ...entries].join("\n\n") + "\n";
}

function entry(who: string, at: number | undefined, text: string, words: Words): string {
  const time = at === undefined ? "" : `, ${new Date(at * 1000).toLocaleString(localeOf(words))}`;
  return `${who}${time}:\n${text}`;
}

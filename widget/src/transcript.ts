import type { Conversation } from "./nouns";
import { fill, type Words } from "./words";

/** The conversation as plain text for a file: who said what, when, and where it comes from. */
export function transcriptOf(conversation: Conversation, words: Words, now: Date): string {
  const entries = conversation.flatMap((turn) => [
    entry(words.you, turn.at ?? turn.writtenAt, turn.text),
    ...turn.replies.map((reply) =>
      entry(words.assistant, reply.at, [reply.text, ...reply.sources.map(({ label }) => `(${label})`)].join("\n")),
    ),
  ]);
  return [fill(words.transcriptHeading, { time: now.toLocaleString() }), words.notice, ...entries].join("\n\n") + "\n";
}

function entry(who: string, at: number | undefined, text: string): string {
  const time = at === undefined ? "" : `, ${new Date(at * 1000).toLocaleString()}`;
  return `${who}${time}:\n${text}`;
}

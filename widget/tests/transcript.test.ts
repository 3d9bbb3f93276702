import { expect, it } from "vitest";

import { after } from "../src/conversation";
import type { Conversation } from "../src/nouns";
import { transcriptOf } from "../src/transcript";
import { wordsOf } from "../src/words";

it("holds who said what, with the source, and the emergency notice", () => {
  const reply = {
    messageId: "m",
    number: 0,
    text: "It may.\nAsk your doctor.",
    at: 60,
    action: "utter_faq/x",
    language: "en",
    quickReplies: [],
    sources: [{ label: "From the clinic's document", claims: [] }],
  };
  const talk = [
    { kind: "started", messageId: "m", text: "does it help?", at: 50 } as const,
    { kind: "replied", reply } as const,
    { kind: "said", outgoing: { messageId: "n", message: "/faq/x", text: "Cravings", at: 70 } } as const,
  ].reduce(after, [] as Conversation);
  const words = wordsOf("en");
  const lines = transcriptOf(talk, words, new Date(0)).split("\n");
  expect(lines).toContain(words.notice);
  expect(lines.filter((line) => /^(does|It may|Ask|\(From|Cravings)/.test(line))).toEqual([
    "does it help?",
    "It may.",
    "Ask your doctor.",
    "(From the clinic's document)",
    "Cravings",
  ]);
});

import { expect, it } from "vitest";

import { outcomeOf, replyOf, turnsOf } from "../src/protocol";

const TOLD = {
  message_id: "m",
  number: 1,
  text: "Ketamine may…",
  at: 5,
  metadata: { utter_action: "utter_faq/cravings", sources: ["ease-cravings"], language: "es" },
  quick_replies: [{ content_type: "text", title: "Triggers", payload: "/faq/triggers" }],
  sources: [{ label: "From the clinic's document", claims: ["One.", "Two."] }],
};

it("reads a reply", () => {
  expect(replyOf(TOLD)).toEqual({
    messageId: "m",
    number: 1,
    text: "Ketamine may…",
    at: 5,
    action: "utter_faq/cravings",
    language: "es",
    quickReplies: [{ title: "Triggers", payload: "/faq/triggers" }],
    sources: [{ label: "From the clinic's document", claims: ["One.", "Two."] }],
  });
});

it("knows the clinic's own words by their source", () => {
  expect(replyOf({ ...TOLD, metadata: { sources: ["clinic"] } })?.own).toBe(true);
  expect(replyOf({ ...TOLD, metadata: { sources: "clinic" } })?.own).toBeUndefined();
});

it.each([undefined, null, "x", 5, [], {}, { message_id: 5 }, { message_id: "" }])("takes %j for no reply", (junk) => {
  expect(replyOf(junk)).toBeUndefined();
});

it("leaves out what has the wrong shape, and shows the rest", () => {
  const odd = {
    ...TOLD,
    number: "1",
    at: NaN,
    metadata: null,
    quick_replies: [null, { title: "" }, { title: {}, payload: [] }],
    sources: [5, { label: "L", claims: [1, "Claim", null] }],
  };
  const reply = replyOf(odd)!;
  expect(reply).toMatchObject({
    text: "Ketamine may…",
    number: 0,
    action: "",
    language: "",
    quickReplies: [],
    sources: [{ label: "L", claims: ["Claim"] }],
  });
  expect(Number.isFinite(reply.at)).toBe(true);
});

it("reads a history, whose replies need not repeat their message", () => {
  const { message_id: _, ...reply } = TOLD;
  const turns = turnsOf({ turns: [{ message_id: "m", text: "hi", at: 4, replies: [reply] }, null, { text: "no id" }] });
  expect(turns.map(({ messageId, replies }) => [messageId, replies[0]?.messageId])).toEqual([["m", "m"]]);
});

it.each([undefined, { turns: null }, { turns: "x" }])("takes %j for an empty history", (junk) => {
  expect(turnsOf(junk)).toEqual([]);
});

it("takes an outcome that it does not know for a failure", () => {
  expect(["answered", "limited", "failed", "exploded", undefined].map((outcome) => outcomeOf({ outcome }))).toEqual([
    "answered",
    "limited",
    "failed",
    "failed",
    "failed",
  ]);
});

it.each([5, "", "es\" onclick", "english words"])("takes %j for no language", (language) => {
  expect(replyOf({ ...TOLD, metadata: { language } })!.language).toBe("");
});

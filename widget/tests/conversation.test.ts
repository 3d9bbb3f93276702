import { describe, expect, it } from "vitest";

import { after, gravityNow, gravityOf, isRateable, offered, pinned, type Event } from "../src/conversation";
import type { Conversation, Reply } from "../src/nouns";

const reply = (messageId: string, number: number, more: Partial<Reply> = {}): Reply => ({
  messageId,
  number,
  text: `answer ${number} to ${messageId}`,
  at: 100 + number,
  action: "utter_faq/cravings",
  language: "en",
  quickReplies: [],
  sources: [],
  ...more,
});
const said = (messageId: string, at = 1, message = messageId): Event => ({
  kind: "said",
  outgoing: { messageId, message, text: messageId, at },
});
const talk = (...events: Event[]): Conversation => events.reduce(after, [] as Conversation);
const last = (conversation: Conversation) => conversation[conversation.length - 1]!;

/** A generator of numbers that are the same in every run. */
function random(seed: number): () => number {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}

const TOLD: Event[] = [
  { kind: "started", messageId: "a", text: "first", at: 10 },
  { kind: "replied", reply: reply("a", 0, { at: 11 }) },
  { kind: "replied", reply: reply("a", 1, { at: 12 }) },
  { kind: "ended", messageId: "a", outcome: "answered" },
  { kind: "started", messageId: "b", text: "second", at: 20 },
  { kind: "replied", reply: reply("b", 0, { at: 21, action: "utter_crisis/suicide" }) },
  { kind: "ended", messageId: "b", outcome: "answered" },
  { kind: "started", messageId: "c", text: "third", at: 30 },
  { kind: "ended", messageId: "c", outcome: "failed" },
  {
    kind: "history",
    turns: [
      { messageId: "a", text: "first", at: 10, replies: [reply("a", 0, { at: 11 }), reply("a", 1, { at: 12 })] },
      { messageId: "b", text: "second", at: 20, replies: [reply("b", 0, { at: 21, action: "utter_crisis/suicide" })] },
    ],
  },
];

describe("what the server tells", () => {
  const expected = talk(...TOLD);

  it.each(Array.from({ length: 300 }, (_, seed) => seed + 1))("gives one transcript in any order and number: %i", (seed) => {
    const next = random(seed * 7919);
    const doubled = [...TOLD, ...TOLD.filter(() => next() < 0.5)];
    const shuffled = doubled.map((event) => [next(), event] as const).sort((x, y) => x[0] - y[0]);
    expect(talk(...shuffled.map(([, event]) => event))).toEqual(expected);
  });

  it("keeps the time at which a reply was first said when it is sent again", () => {
    const again: Event = { kind: "replied", reply: reply("a", 0, { at: 500 }) };
    expect(after(expected, again)).toEqual(expected);
  });

  it("keeps each reply once, in order", () => {
    expect(expected.map((turn) => [turn.text, turn.replies.map(({ number }) => number)])).toEqual([
      ["first", [0, 1]],
      ["second", [0]],
      ["third", []],
    ]);
  });

  it("never changes a conversation in place", () => {
    const before = talk(...TOLD);
    const copy = structuredClone(before);
    after(before, { kind: "replied", reply: reply("a", 2) });
    expect(before).toEqual(copy);
  });
});

describe("a message of this window", () => {
  it("waits, is sent, is answered", () => {
    const standings = [
      said("m"),
      { kind: "sent", messageId: "m" },
      { kind: "started", messageId: "m", text: "m", at: 5 },
      { kind: "ended", messageId: "m", outcome: "answered" },
    ].map((_, index, events) => last(talk(...(events.slice(0, index + 1) as Event[]))).standing);
    expect(standings).toEqual(["waiting", "sent", "writing", "answered"]);
  });

  it("goes back to the queue when the connection is lost, whatever had come", () => {
    const lost = talk(
      said("m"),
      { kind: "sent", messageId: "m" },
      { kind: "replied", reply: reply("m", 0) },
      { kind: "lost" },
    );
    expect(last(lost).standing).toBe("waiting");
  });

  it("stays under way through a history that holds it: only its turn_end ends it", () => {
    const stored = { messageId: "m", text: "m", at: 5, replies: [reply("m", 0)] };
    expect(last(talk(said("m"), { kind: "history", turns: [stored] })).standing).toBe("waiting");
  });

  it("comes after everything the server has, however wrong the phone's clock is", () => {
    const mixed = talk(said("mine", -5000), { kind: "started", messageId: "theirs", text: "x", at: 1_800_000_000 });
    expect(mixed.map(({ messageId }) => messageId)).toEqual(["theirs", "mine"]);
  });

  it("keeps the order in which it was written while the server knows nothing", () => {
    expect(talk(said("z", 1), said("a", 2), said("k", 3)).map(({ messageId }) => messageId)).toEqual(["z", "a", "k"]);
  });

  it("shows the title of a button, not its payload", () => {
    const pressed = talk(
      { kind: "said", outgoing: { messageId: "m", message: "/faq/cravings", text: "Cravings", at: 1 } },
      { kind: "started", messageId: "m", text: "/faq/cravings", at: 5 },
    );
    expect(last(pressed).text).toBe("Cravings");
  });

  it("replaces the words of a failure when it is sent again", () => {
    const failed = talk(
      said("m"),
      { kind: "replied", reply: reply("m", 0, { text: "It broke." }) },
      { kind: "ended", messageId: "m", outcome: "failed" },
    );
    const again = after(failed, { kind: "again", messageId: "m" });
    expect(last(again).replies.map(({ text }) => text)).toEqual(["It broke."]);
    expect(
      last(after(again, { kind: "replied", reply: reply("m", 0, { text: "Here you are." }) })).replies.map(
        ({ text }) => text,
      ),
    ).toEqual(["Here you are."]);
  });

  it("is slow only while nothing has come", () => {
    const slow: Event = { kind: "slow", messageId: "m" };
    expect(last(talk(said("m"), slow)).slow).toBe(true);
    expect(last(talk(said("m"), slow, { kind: "replied", reply: reply("m", 0) })).slow).toBe(false);
    expect(last(talk(said("m"), { kind: "replied", reply: reply("m", 0) }, slow)).slow).toBe(false);
  });

  it("is not brought back by what comes late for it", () => {
    for (const kind of ["sent", "slow", "again"] as const) {
      expect(talk(said("m"), { kind: "removed", messageId: "m" }, { kind, messageId: "m" })).toEqual([]);
    }
    expect(talk({ kind: "refused", messageId: "gone", reason: "no" })).toEqual([]);
  });
});

describe("another window's message", () => {
  it("settles when the connection is lost: its end would never be heard", () => {
    expect(last(talk({ kind: "started", messageId: "m", text: "x", at: 1 }, { kind: "lost" })).standing).toBe("settled");
  });
});

describe("buttons", () => {
  const quickReplies = [{ title: "Cravings", payload: "/faq/cravings" }];
  const answered: Event[] = [
    { kind: "replied", reply: reply("a", 0, { quickReplies }) },
    { kind: "ended", messageId: "a", outcome: "answered" },
  ];

  it("are those of the last turn, when it is complete", () => {
    expect(offered(talk(...answered))).toEqual(quickReplies);
    expect(offered(talk(answered[0]!))).toEqual([]);
    expect(offered(talk(...answered, said("b")))).toEqual([]);
    expect(offered([])).toEqual([]);
  });
});

describe("a crisis reply", () => {
  const crisis = reply("a", 0, { action: "utter_crisis/overdose" });
  const shown: Event[] = [
    { kind: "replied", reply: crisis },
    { kind: "replied", reply: reply("a", 1) },
  ];

  it("is pinned until the patient writes again, whatever else comes", () => {
    expect(pinned(talk(...shown))).toEqual(crisis);
    expect(pinned(talk(...shown, { kind: "ended", messageId: "a", outcome: "failed" }))).toEqual(crisis);
    expect(pinned(talk(...shown, { kind: "ended", messageId: "a", outcome: "answered" }, said("b")))).toBeUndefined();
  });

  it("is an alarm; a check-in and care afterwards are not, and nothing else is grave", () => {
    const gravity = (action: string) => gravityOf(reply("a", 0, { action }));
    expect(["suicide", "overdose", "withdrawal_emergency", "carefree"].map((name) => gravity(`utter_crisis/${name}`))).toEqual(
      Array(4).fill("alarm"),
    );
    expect([gravity("utter_crisis/check_in"), gravity("utter_crisis/check_in_pill")]).toEqual(["check-in", "check-in"]);
    expect([gravity("utter_crisis/care_text"), gravity("utter_faq/cravings"), gravity("")]).toEqual(["care", "", ""]);
    expect(pinned(talk({ kind: "replied", reply: reply("a", 0, { action: "utter_crisis/check_in" }) }))).toBeUndefined();
  });

  it("keeps the talk grave until the next answer, not only until the next message", () => {
    expect(gravityNow(talk(...shown))).toBe("alarm");
    expect(gravityNow(talk(...shown, said("b")))).toBe("alarm");
    expect(gravityNow(talk(...shown, said("b"), { kind: "replied", reply: reply("b", 0) }))).toBe("");
    expect(gravityNow([])).toBe("");
  });

  it("is never rated", () => {
    const rated = ["utter_faq/x", "utter_uncovered/x", "utter_advice/x", "utter_misuse/x", "utter_fallback_choices"];
    const unrated = ["utter_crisis/suicide", "utter_chitchat/greet", "utter_talk_to_person", "", "x_utter_faq/x"];
    expect(rated.filter((action) => !isRateable(reply("a", 0, { action })))).toEqual([]);
    expect(unrated.filter((action) => isRateable(reply("a", 0, { action })))).toEqual([]);
  });
});

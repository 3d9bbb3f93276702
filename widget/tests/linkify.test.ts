import { expect, it } from "vitest";

import { linkify, contactsIn, phoneLink } from "../src/linkify";

const NUMBERS = ["911", "988", "116 123", "+44 20 7946 0000"];
const links = (text: string): [string, string][] =>
  linkify(text, NUMBERS).flatMap((part) => (part.href ? [[part.text, part.href]] : []));

it.each<[string, [string, string][]]>([
  ["Call 911 now.", [["911", "tel:911"]]],
  ["Call 911, then wait", [["911", "tel:911"]]],
  ["(988)", [["988", "tel:988"]]],
  ["Poison Help is 1-800-222-1222.", [["1-800-222-1222", "tel:18002221222"]]],
  ["+1 800 222 1222", [["+1 800 222 1222", "tel:+18002221222"]]],
  [
    "call 555-123-4567 or (555) 123-4567",
    [
      ["555-123-4567", "tel:5551234567"],
      ["(555) 123-4567", "tel:5551234567"],
    ],
  ],
  ["555.123.4567", [["555.123.4567", "tel:5551234567"]]],
  [
    "Call or text 988 to talk",
    [
      ["text", "sms:988"],
      ["988", "tel:988"],
    ],
  ],
  ["Text 988.", [["Text 988", "sms:988"]]],
  ["text AYUDA to 988", [["text AYUDA to 988", "sms:988"]]],
  ["mande AYUDA por texto al 988.", [["AYUDA por texto al 988", "sms:988"]]],
  ["in this context 988 helps", [["988", "tel:988"]]],
  ["Samaritans: 116 123", [["116 123", "tel:116123"]]],
  ["London +44 20 7946 0000", [["+44 20 7946 0000", "tel:+442079460000"]]],
  [
    "see https://988lifeline.org/chat?a=1&b=2.",
    [["https://988lifeline.org/chat?a=1&b=2", "https://988lifeline.org/chat?a=1&b=2"]],
  ],
  ["or chat at 988lifeline.org/chat: a counselor", [["988lifeline.org/chat", "https://988lifeline.org/chat"]]],
  ["Open 988Lifeline.org/chat.", [["988Lifeline.org/chat", "https://988lifeline.org/chat"]]],
  ["text START to 88788.", [["text START to 88788", "sms:88788"]]],
  ["(https://example.org/a)", [["https://example.org/a", "https://example.org/a"]]],
])("finds the links in %s", (text, expected) => {
  expect(links(text)).toEqual(expected);
});

it.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert('https:/')",
  "data:text/html,<script>alert(1)</script>",
  "http://example.org/",
  "https://",
  "https://bank.example@evil.example/",
  "https://user:pass@evil.example/",
  "//example.org",
  "www.example.org",
  "988lifeline.org",
  "evil.988lifeline.org/chat",
  "me@988lifeline.org/chat",
  "988lifeline.org/chat-with-me",
  "START to 88788",
  "text START to 8878899",
  "It costs $911.",
  "1911 and 9881",
  "911.5 mg, 3.988",
  "911% more",
  "order 555-123-45678",
  "2555-123-4567",
  "12-555-123-4567",
  "room 911b",
  "a-988",
  "#988",
  "911:30",
  "",
])("leaves %s alone", (text) => {
  expect(links(text)).toEqual([]);
});

it.each([
  "<a href=https://example.org/x onclick=alert(1)>call 911</a>",
  '<img src="https://example.org/a.png" onerror="alert(1)">',
  "line one\n\nline two  with  blanks\t988",
  "🙂 988 🙂 ‮988‬ \u0000",
  "9".repeat(20_000),
  "text ".repeat(5000),
  "https://".repeat(2000),
])("loses no character of %j, and is quick", (text) => {
  const start = performance.now();
  expect(
    linkify(text, NUMBERS)
      .map((part) => part.text)
      .join(""),
  ).toBe(text);
  expect(performance.now() - start).toBeLessThan(500);
});

it("cuts a link off at markup", () => {
  expect(links("<https://example.org/x>")).toEqual([["https://example.org/x", "https://example.org/x"]]);
});

it("lists what to call and to text, each once", () => {
  const text = "Call 911. Call or text 988. Again 911, 1-800-222-1222, or text START to 88788.";
  expect(contactsIn(text, NUMBERS).map(({ href }) => href)).toEqual([
    "tel:911",
    "sms:988",
    "tel:988",
    "tel:18002221222",
    "sms:88788",
  ]);
});

it("dials what is written", () => {
  expect(phoneLink("(555) 123-4567")).toBe("tel:5551234567");
  expect(phoneLink("988", "text")).toBe("sms:988");
});

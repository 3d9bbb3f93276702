import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, it } from "vitest";

import english from "../src/strings/en.json";
import { fill, reasonIn, speaks, wordsOf } from "../src/words";

const SOURCES = join(import.meta.dirname, "../src");
const read = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
const code = read(SOURCES).join("\n");
const files = Object.entries(
  import.meta.glob<Record<string, string>>("../src/strings/*.json", { eager: true, import: "default" }),
);
const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]!).sort();

it.each(files)("%s has every text, with its placeholders", (_, words) => {
  expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(english)) {
    expect(words[key]?.trim()).toBeTruthy();
    expect([key, names(words[key]!)]).toEqual([key, names(text)]);
  }
});

it("uses every text", () => {
  // words[reach], words[sheet], words[`${below}Below`]; others are named in the code as "key"
  const indirect = ["connecting", "reconnecting", "offline", "person", "menu", "moreBelow", "newBelow"];
  const unused = Object.keys(english).filter(
    (key) => !new RegExp(`words\\.${key}\\b|"${key}"`).test(code) && !indirect.includes(key),
  );
  expect(unused).toEqual([]);
});

it("has no words in the code: everything between tags, and every label, is a placeholder", () => {
  const templates = [...code.matchAll(/html`([^]*?)`/g)].map((found) => found[1]!.replace(/\$\{[^}]*\}/g, ""));
  const words = templates.flatMap((template) => [
    ...template.matchAll(/(?:>|(?:aria-label|title|placeholder|alt)=")([^<>"]*[A-Za-z]{2}[^<>"]*)(?:<|")/g),
  ]);
  expect(words.map((found) => found[1]!.trim()).filter((text) => !/[=(){}]/.test(text))).toEqual([]);
});

it.each(["committed suicide", "addict", "abuser", "clean", "junkie"])("never says %s", (word) => {
  expect(Object.values(english).filter((text) => new RegExp(`\\b${word}s?\\b`, "i").test(text))).toEqual([]);
});

it("keeps sentences short enough to read when frightened", () => {
  const sentences = Object.values(english).flatMap((text) => text.split(/[.?!:] /));
  expect(sentences.filter((sentence) => sentence.split(" ").length > 20)).toEqual([]);
});

it("falls back to English", () => {
  expect(wordsOf("tlh").send).toBe(english.send);
  expect(wordsOf("en-GB").send).toBe(english.send);
});

it("fills placeholders, once, and leaves what it does not know", () => {
  expect(fill("Call {number}, {other}", { number: "{other}" })).toBe("Call {other}, {other}");
});

it("speaks the languages that it has files of", () => {
  expect(["en", "es", "es-MX", "fr", ""].map(speaks)).toEqual([true, true, true, false, false]);
  expect(wordsOf("es-MX").language).toBe("es");
});

it("says the server's reasons in English alone", () => {
  expect(reasonIn(wordsOf("en"), "Too long.")).toBe("Too long.");
  expect(reasonIn(wordsOf("es"), "Too long.")).toBe(wordsOf("es").refusedReason);
});

const ENGLISH = /\b(the|you|your|and|is|are|not|please|with|this|what|chat's|send)\b/i;
const SPANISH = /\b(el|los|las|usted|su|sus|que|una|por|para|está|puede|aquí)\b/i;

it("mixes no languages", () => {
  const own = (words: Record<string, string>): string[] =>
    Object.entries(words).flatMap(([key, text]) => (key.startsWith("otherLanguage") ? [] : [text]));
  expect(own(wordsOf("es")).filter((text) => ENGLISH.test(text))).toEqual([]);
  expect(own(english).filter((text) => SPANISH.test(text))).toEqual([]);
});

import english from "./strings/en.json";

/** Every word that a patient sees or hears, by key. */
export type Words = typeof english;

const files = import.meta.glob<Partial<Words>>("./strings/*.json", { eager: true, import: "default" });

/** The words of `language` ("en", "es-MX"); what its file lacks, and an unknown language, is English. */
export function wordsOf(language: string): Words {
  const found = files[`./strings/${language}.json`] ?? files[`./strings/${language.split("-")[0]}.json`];
  return { ...english, ...found };
}

/** Whether there are words of `language` itself ("es", "es-MX"). */
export function speaks(language: string): boolean {
  return `./strings/${language.split("-")[0]}.json` in files;
}

/** The server's `reason` for refusing a message; it speaks English, so beside other words those stand. */
export function reasonIn(words: Words, reason: string): string {
  return words.language === "en" ? reason : words.refusedReason;
}

/** How times are written beside `words`: as this device does where it speaks the same language, else as the words' language does. */
export function localeOf(words: Words): string | undefined {
  return new Intl.DateTimeFormat().resolvedOptions().locale.startsWith(words.language) ? undefined : words.language;
}

/** `text` with each {name} replaced by its value; a name without a value stays as it is. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

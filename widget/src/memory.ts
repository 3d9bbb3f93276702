import type { Message, Thumb } from "./nouns";

/** What this tab remembers while it is open. */
export interface Kept {
  ticket: string | null;
  /** Only messages without an answer, so that a reload does not lose them; each is removed at its turn_end. */
  unsent: Message[];
  /** whether the visitor agreed to the clinic's text */
  agreed: boolean;
  /** whether the panel is open: it is on the next page, too; null before the visitor opened it */
  open: boolean | null;
  /** what the visitor thinks of replies, by key */
  thumbs: Record<string, Thumb>;
  /** of the talk, once the assistant said it or the visitor chose it; "" before */
  language: string;
}

const KEY = "infusion-guide";

/**
 * The tab's session storage, under one key: it is gone when the tab is closed. Where a browser blocks it (private
 * windows, strict settings, a full disk), everything works the same until the page is left.
 */
export class Memory {
  private kept: Kept = { ticket: null, unsent: [], agreed: false, open: null, thumbs: {}, language: "" };

  /** `storage` is called inside a try: with storage blocked, even reading window.sessionStorage throws. */
  constructor(private readonly storage: () => Storage = () => window.sessionStorage) {
    try {
      const kept = JSON.parse(this.storage().getItem(KEY) ?? "{}") as Partial<Kept>;
      const { ticket, unsent, agreed, open, thumbs, language } = kept;
      this.kept = {
        ticket: typeof ticket === "string" ? ticket : null,
        unsent: Array.isArray(unsent) ? unsent.filter((each) => each?.messageId && each.message) : [],
        agreed: agreed === true,
        open: typeof open === "boolean" ? open : null,
        thumbs: typeof thumbs === "object" && thumbs ? thumbs : {},
        language: typeof language === "string" ? language : "",
      };
    } catch {
      // Nothing to remember, or it cannot be read: a new conversation begins.
    }
  }

  /** What is remembered now. */
  get now(): Readonly<Kept> {
    return this.kept;
  }

  /** Remembers `part` in place of what it was. */
  keep(part: Partial<Kept>): void {
    this.kept = { ...this.kept, ...part };
    try {
      this.storage().setItem(KEY, JSON.stringify(this.kept));
    } catch {
      // Blocked or full: kept for as long as the page is.
    }
  }
}

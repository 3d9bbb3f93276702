import type { Conversation, QuickReply, Reach, Reply, Thumb, Turn } from "./nouns";
import type { Settings } from "./settings";
import type { Words } from "./words";

/*
 * What the views know of the chat: what there is to show, and what a patient can do. The views are functions of it, and
 * the element (widget.ts) is one; neither a view nor this file knows the element.
 */

/** What lies over the conversation: "Talk to a person", the menu, the question before deleting, or nothing. */
export type Sheet = "" | "person" | "menu" | "erase";

/** What the patient thinks of one reply, as far as the server knows. */
export interface Opinion {
  value: Thumb | null;
  /** the reason is being asked for */
  asking?: boolean;
  failed?: boolean;
}

/** A short message about what just happened; not `seen` when the screen shows it elsewhere. */
export interface Note {
  text: string;
  seen: boolean;
}

/** What the script tag gave: it stands before anything is said, and when everything else fails. */
export interface Tag {
  readonly settings: Settings;
  readonly words: Words;
}

/** What there is to show. */
export interface Shown extends Tag {
  readonly conversation: Conversation;
  readonly reach: Reach;
  readonly sheet: Sheet;
  /** typing dots */
  readonly dots: { readonly shown: boolean };
  /** by the reply's key (keyOf) */
  readonly opinions: ReadonlyMap<string, Opinion>;
  /** messages of the patient's own that are shown whole, by id */
  readonly unfolded: ReadonlySet<string>;
  /** words of the last answer stand below what is in view: read on, or not seen yet */
  readonly below: "" | "more" | "new";
  /** characters in the input */
  readonly length: number;
  /** whether the visitor may write: has agreed to the clinic's text where there is one */
  readonly mayWrite: boolean;
  /** answers to be read out */
  readonly answers: readonly string[];
  /** the crisis reply that interrupts what is read out */
  readonly alarm: string;
  readonly note?: Note;
  readonly erasing: boolean;
  readonly eraseError: string;
}

/** What a patient can do. */
export interface Actions {
  /** Closes the panel; the focus goes back to the launcher. */
  close(): void;
  /** Sends what is in the input. */
  submit(): void;
  /** Asks one of the questions of the first screen. */
  ask(question: string): void;
  /** Presses a button below the last reply. */
  press(button: QuickReply): void;
  /** Asks the assistant how to reach a person. */
  askForPerson(): void;
  /** Sends a message that did not get through again; one that was limited is a new message to the server. */
  tryAgain(turn: Turn): void;
  /** Takes a message away that was not sent. */
  discard(turn: Turn): void;
  /** Says whether `reply` was helpful; the same value again takes it back. */
  rate(reply: Reply, value: Thumb): Promise<void>;
  /** Adds a reason to a thumb down; "" skips it. */
  giveReason(reply: Reply, reason: string): Promise<void>;
  /** Shows a long message whole, or in its first lines again. */
  unfold(turn: Turn): void;
  /** Goes to what stands below. */
  goDown(): void;
  /** Agrees to the clinic's text. */
  agree(): void;
  /** Opens `sheet`, or closes it when it is open. */
  toggleSheet(sheet: Sheet): void;
  /** Leaves this conversation and begins another. */
  startAnew(): void;
  /** Goes on in the other language: the chat's own words at once, and the assistant is asked to. */
  changeLanguage(): void;
  /** Deletes the conversation on the server, and here only when that worked. */
  erase(): Promise<void>;
  /** Hands the patient the conversation as a text file, made from what is on the screen. */
  saveTranscript(): void;
  /** Puts the conversation's text on the clipboard. */
  copyTranscript(): Promise<void>;
  /** Prints the conversation, and nothing else of the page. */
  printTranscript(): void;
  /** Hears that the text in the input has changed. */
  typed(): void;
  /** Hears that the log was scrolled, by us or by the patient; who scrolls back to read is not pulled away from it. */
  scrolled(): void;
}

/** All that a view may read and ask for. */
export interface Chat extends Shown, Actions {}

/* What the widget speaks of, one type each. Every other file speaks of the same; this one imports nothing. */

/** A message on its way: what was written in this window and has not had its turn_end yet. */
export interface Message {
  messageId: string;
  /** what is sent: the patient's words, or the payload of a button */
  message: string;
  /** what is shown: the patient's words, or the title of the button */
  text: string;
  /** Unix seconds by this device's clock */
  at: number;
}

/** A button below a reply: what it says, and what is sent when it is pressed. */
export interface QuickReply {
  title: string;
  payload: string;
}

/** Where a reply's words come from: a short name, and the claims it rests on. */
export interface Source {
  label: string;
  claims: string[];
}

/** One bubble of the assistant. (`messageId`, `number`) names it. */
export interface Reply {
  messageId: string;
  number: number;
  text: string;
  /** Unix seconds */
  at: number;
  /** Rasa's name of the response, for example utter_faq/cravings */
  action: string;
  /** of its words, for example "es"; "" where the server does not say */
  language: string;
  quickReplies: QuickReply[];
  sources: Source[];
  /** the clinic's own words, written by its staff */
  own?: boolean;
}

/**
 * How grave a reply is: `alarm` is help in danger, `check-in` a gentle question, `care` what is said after an alarm, ""
 * all the rest.
 */
export type Gravity = "alarm" | "check-in" | "care" | "";

/** What a look at the page found, for its owner. */
export type Finding = "checkWorks" | "checkOrigin" | "checkPolicy" | "checkDown" | "checkCovered";

/** How a turn ended. */
export type Outcome = "answered" | "limited" | "failed" | "refused";

/**
 * What became of a message: `waiting` for a connection, `sent`, `writing` (its answer is being written), or how it ended.
 * `settled` is a turn of the past or of another window, whose end this window did not hear.
 */
export type Standing = "waiting" | "sent" | "writing" | "settled" | Outcome;

/** One message with its answers. */
export interface Turn {
  messageId: string;
  /** "" until it is known: a reply may come before its turn_start */
  text: string;
  /** what is sent (a button's payload is not its text), for messages written here */
  message?: string;
  /** Unix seconds by the server's clock; undefined until the server has the message */
  at?: number;
  /** Unix seconds by this device's clock, for messages written here */
  writtenAt?: number;
  replies: Reply[];
  standing: Standing;
  /** the server's words on a refusal */
  reason?: string;
  /** Unix milliseconds of this device from which a limited message may be sent again */
  retryAt?: number;
  /** sent a good while ago, and nothing came back */
  slow?: boolean;
  /** a failed message was sent again: its next reply takes the place of the old ones */
  again?: boolean;
}

/** What the server tells of a turn in its history. */
export type StoredTurn = Required<Pick<Turn, "messageId" | "text" | "at" | "replies">>;

/** Turns in the order in which a patient reads them. Never changed in place. */
export type Conversation = readonly Turn[];

/** Whether a patient found a reply helpful. */
export type Thumb = "up" | "down";

/** A rating of one reply; null takes it back. */
export interface Rating {
  messageId: string;
  number: number;
  value: Thumb | null;
  reason: string | null;
}

/** How well the assistant can be reached. `idle`: nobody asked for it yet, or it is just being reached. */
export type Reach = "idle" | "connecting" | "connected" | "reconnecting" | "offline";

import type { Conversation, Gravity, Message, Outcome, QuickReply, Reply, Standing, StoredTurn, Turn } from "./nouns";

/** Everything that changes a conversation; what the server says and what happens here. */
export type Event =
  | Handled
  | { kind: "said"; outgoing: Message }
  | { kind: "removed"; messageId: string }
  | { kind: "started"; messageId: string; text: string; at: number }
  | { kind: "replied"; reply: Reply }
  | { kind: "ended"; messageId: string; outcome: Outcome; retryAt?: number }
  | { kind: "history"; turns: StoredTurn[] }
  | { kind: "lost" | "cleared" };

type Handled =
  { kind: "sent" | "slow" | "again"; messageId: string } | { kind: "refused"; messageId: string; reason: string };

const UNDER_WAY: readonly Standing[] = ["waiting", "sent", "writing"];

/**
 * The conversation after `event`. The same events from the server give the same conversation in any order and however
 * often each comes: a server that sends again, a second window and a replayed history need no care anywhere else.
 */
export function after(conversation: Conversation, event: Event): Conversation {
  switch (event.kind) {
    case "cleared":
      return [];
    case "removed":
      return conversation.filter((turn) => turn.messageId !== event.messageId);
    case "lost":
      // Messages of this window go back to the queue; of another window's we would never hear the end.
      return conversation.map((turn) =>
        isUnderWay(turn) ? { ...turn, standing: isOwn(turn) ? "waiting" : "settled", slow: false } : turn,
      );
    case "history":
      return sorted(event.turns.reduce(withStored, conversation));
    case "said":
      return changed(conversation, event.outgoing.messageId, (turn) => ({
        ...turn,
        text: event.outgoing.text,
        message: event.outgoing.message,
        writtenAt: event.outgoing.at,
        standing: "waiting",
      }));
    case "sent":
    case "slow":
    case "again":
    case "refused":
      return conversation.map((turn) => (turn.messageId === event.messageId ? handled(turn, event) : turn));
    case "started":
      return changed(conversation, event.messageId, (turn) => ({
        ...turn,
        text: turn.text || event.text,
        at: earlier(turn.at, event.at),
        standing: isUnderWay(turn) ? "writing" : turn.standing,
      }));
    case "replied":
      return changed(conversation, event.reply.messageId, (turn) => withReply(turn, event.reply));
    case "ended":
      return changed(conversation, event.messageId, (turn) => ({
        ...turn,
        standing: event.outcome,
        retryAt: event.retryAt,
        slow: false,
      }));
  }
}

/** Whether the message was written in this window (or in this tab before a reload). */
export function isOwn(turn: Turn): boolean {
  return turn.message !== undefined;
}

/** Whether the turn's end is still to come. */
export function isUnderWay(turn: Turn): boolean {
  return UNDER_WAY.includes(turn.standing);
}

/** Whether the assistant is writing an answer now. */
export function isWriting(conversation: Conversation): boolean {
  return conversation.some((turn) => turn.standing === "writing");
}

/** How grave `reply` is, by its name. */
export function gravityOf({ action }: Reply): Gravity {
  const crisis = /^utter_crisis\/(check_in|care_)?/.exec(action);
  if (!crisis) return "";
  return crisis[1] === "check_in" ? "check-in" : crisis[1] ? "care" : "alarm";
}

/** How grave the talk is: the gravest reply of the newest turn that has any. */
export function gravityNow(conversation: Conversation): Gravity {
  const answered = conversation.filter(({ replies }) => replies.length);
  const found = answered[answered.length - 1]?.replies.map(gravityOf) ?? [];
  return (["alarm", "check-in", "care"] as const).find((each) => found.includes(each)) ?? "";
}

/** Whether a patient may rate `reply`: answers, not small talk and not help in a crisis. */
export function isRateable(reply: Reply): boolean {
  return /^utter_(faq\/|uncovered\/|advice\/|misuse\/|fallback)/.test(reply.action);
}

/** The buttons to offer now: those of the very last turn, once it is complete. */
export function offered(conversation: Conversation): QuickReply[] {
  const last = conversation[conversation.length - 1];
  return !last || isUnderWay(last) ? [] : last.replies.flatMap((reply) => reply.quickReplies);
}

/** The alarm that must stay in view: one of the newest turn, so until the patient writes again. */
export function pinned(conversation: Conversation): Reply | undefined {
  return conversation[conversation.length - 1]?.replies.find((reply) => gravityOf(reply) === "alarm");
}

/** One name for a reply, for keys and ratings. */
export function keyOf(reply: Reply): string {
  return `${reply.messageId}/${reply.number}`;
}

function withStored(conversation: Conversation, stored: StoredTurn): Conversation {
  return changed(conversation, stored.messageId, (turn) => {
    const told: Turn = { ...turn, text: turn.text || stored.text, at: earlier(turn.at, stored.at) };
    // A message of this window stays under way until its turn_end: it is sent again, and the server ends it.
    const standing = isUnderWay(told) && !isOwn(told) ? "settled" : told.standing;
    return stored.replies.reduce(withReply, { ...told, standing });
  });
}

/** `turn` after something that only this window knows of. */
function handled(turn: Turn, event: Handled): Turn {
  switch (event.kind) {
    case "again":
      return { ...turn, standing: "waiting", again: true };
    case "refused":
      return { ...turn, standing: "refused", reason: event.reason, slow: false };
    case "slow":
      return { ...turn, slow: isUnderWay(turn) && !turn.replies.length };
    case "sent":
      return turn.standing === "waiting" ? { ...turn, standing: "sent" } : turn;
  }
}

/** The same however often and in which order the two are told. */
function earlier(known: number | undefined, told: number): number {
  return Math.min(known ?? told, told);
}

function withReply(turn: Turn, reply: Reply): Turn {
  const before = turn.again ? [] : turn.replies;
  const known = before.find(({ number }) => number === reply.number);
  const told = { ...reply, at: earlier(known?.at, reply.at) };
  const replies = [...before.filter((each) => each !== known), told].sort((a, b) => a.number - b.number);
  return { ...turn, replies, again: false, slow: false };
}

function changed(conversation: Conversation, messageId: string, change: (turn: Turn) => Turn): Conversation {
  const known = conversation.find((turn) => turn.messageId === messageId);
  const turn = change(known ?? { messageId, text: "", replies: [], standing: "writing" });
  return sorted(known ? conversation.map((each) => (each === known ? turn : each)) : [...conversation, turn]);
}

/**
 * Turns that the server has, by its clock; then those it does not have yet, as they were written. The two clocks are
 * never compared: a phone's may be wrong by hours.
 */
function sorted(conversation: Conversation): Conversation {
  const time = (turn: Turn): number => turn.at ?? Math.min(...turn.replies.map((reply) => reply.at), Infinity);
  return [...conversation].sort((a, b) => {
    const [first, second] = [time(a), time(b)];
    if (first !== second) return first - second;
    return first === Infinity ? (a.writtenAt ?? 0) - (b.writtenAt ?? 0) : a.messageId < b.messageId ? -1 : 1;
  });
}

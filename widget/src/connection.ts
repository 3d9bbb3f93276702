import { Manager } from "socket.io-client";

import type { Event } from "./conversation";
import type { Memory } from "./memory";
import type { Message, Rating, Reach } from "./nouns";
import { fieldsOf, numberOf, outcomeOf, replyOf, textOf, turnsOf } from "./protocol";

/** What the connection tells: events of the conversation, its own reach, and that another window deleted everything. */
export type News = Event | { kind: "reach"; reach: Reach } | { kind: "erased" };

/** The part of a Socket.IO client that is used. */
export interface SocketLike {
  connected: boolean;
  /** whether the library itself tries to connect */
  active: boolean;
  on(event: string, listener: (data?: unknown) => void): unknown;
  emit(event: string, data: unknown): unknown;
  timeout(milliseconds: number): {
    emit(event: string, data: unknown, acknowledged: (error: unknown, data?: unknown) => void): unknown;
  };
  connect(): unknown;
  disconnect(): unknown;
}

/** Opens a Socket.IO connection to `server`. */
export type Connect = (server: string, options: Record<string, unknown>) => SocketLike;

// The server refuses a sixth message that waits for its turn; below that, order and speed are the same.
const MOST_IN_FLIGHT = 3;
const MILLISECONDS = {
  untilConnectingIsSaid: 2000,
  forHistory: 10_000,
  untilSlow: 20_000,
  forAcknowledgement: 10_000,
  untilAgain: 2000,
};

/**
 * The talk with the server: one Socket.IO connection that is opened again for ever, the conversation's ticket, and the
 * queue of messages that have not had their turn_end.
 *
 * After every connect the server is asked for the conversation first (session_request, session_confirm, history) and
 * gets messages only then; otherwise it would answer into a conversation that we do not listen to. A message stays in
 * the queue, also in the tab's memory, until its turn_end, and is sent again with the same id after every history.
 */
export class Connection {
  private socket?: SocketLike;
  private ready = false;
  private inFlight = new Map<string, ReturnType<typeof setTimeout>>();
  /** the old conversation may still be heard, until the server confirms the new one */
  private leaving = false;
  private connectingTimer?: ReturnType<typeof setTimeout>;
  private historyTimer?: ReturnType<typeof setTimeout>;

  /** `server` is an origin; `tell` hears everything that happens. Nothing is opened yet. */
  constructor(
    private readonly server: string,
    private readonly memory: Memory,
    private readonly tell: (news: News) => void,
    private readonly connect: Connect = (address, options) =>
      new Manager(address, options).socket("/") as unknown as SocketLike,
  ) {}

  /** Opens the connection; once. */
  open(): void {
    if (this.socket) return;
    this.connectingTimer = setTimeout(
      () => this.tell({ kind: "reach", reach: "connecting" }),
      MILLISECONDS.untilConnectingIsSaid,
    );
    // Websockets first; where a proxy blocks them, polling. Attempts, pauses and jitter are the library's: for ever.
    const socket = this.connect(this.server, { transports: ["websocket", "polling"], tryAllTransports: true });
    this.socket = socket;
    socket.on("connect", () => this.ask());
    socket.on("disconnect", (reason) => {
      this.lose("reconnecting");
      this.insist(reason === "io server disconnect");
    });
    socket.on("connect_error", () => {
      this.lose("offline");
      this.insist(!socket.active);
    });
    socket.on("session_confirm", (ticket) => {
      this.leaving = false;
      this.memory.keep({ ticket: textOf(ticket) || null });
    });
    socket.on("history", (data) => this.begin(data));
    this.listen("turn_start", (messageId, { text, at }) => {
      this.tell({ kind: "started", messageId, text: textOf(text), at: numberOf(at, Date.now() / 1000) });
    });
    this.listen("bot_uttered", (_, data) => {
      const reply = replyOf(data);
      if (reply) this.tell({ kind: "replied", reply });
    });
    this.listen("turn_end", (messageId, data) => {
      const retryAt = Date.now() + numberOf(data.retry_after, 60) * 1000;
      this.tell({ kind: "ended", messageId, outcome: outcomeOf(data), retryAt });
      this.settle(messageId);
    });
    this.listen("refused", (messageId, { error }) => {
      this.tell({ kind: "refused", messageId, reason: textOf(error) });
      this.settle(messageId);
    });
    socket.on("erased", () => {
      if (!this.leaving) this.tell({ kind: "erased" });
    });
  }

  /** Tries at once instead of after the pause. `broken`: also when the connection does not know yet that it is lost. */
  hurry(broken = false): void {
    if (this.socket && (broken || !this.socket.connected)) this.restart();
  }

  /**
   * Sends `message` now, or as soon as the server can be asked; the same one twice is sent once. `renewed`: the ticket is
   * confirmed first, since a message may have been refused because its ticket had ended.
   */
  send(message: Message, renewed = false): void {
    const { unsent } = this.memory.now;
    if (!unsent.some((each) => each.messageId === message.messageId)) this.memory.keep({ unsent: [...unsent, message] });
    if (renewed) this.renew();
    this.flush();
  }

  /** Leaves the conversation: ticket and queue are forgotten, and the server is asked for a new one. */
  forget(): void {
    this.memory.keep({ ticket: null, unsent: [], thumbs: {} });
    this.leaving = true;
    this.rest();
    this.renew();
  }

  /** Sends a rating; whether the server has it. Never throws, and nothing is sent later behind the patient's back. */
  rate(rating: Rating): Promise<boolean> {
    const { socket } = this;
    if (!socket || !this.ready) return Promise.resolve(false);
    const { messageId, ...rest } = rating;
    const data = { session_id: this.memory.now.ticket, message_id: messageId, ...rest };
    return new Promise((resolve) => {
      socket.timeout(MILLISECONDS.forAcknowledgement).emit("feedback", data, (error, answer) => {
        resolve(!error && fieldsOf(answer).ok === true);
      });
    });
  }

  /** Deletes the conversation on the server. Rejects with an Error whose message is the server's words, or "". */
  async erase(): Promise<void> {
    const { ticket } = this.memory.now;
    if (!ticket) return; // the server never had a word
    let answer: unknown;
    try {
      const response = await fetch(`${this.server}/webhooks/web/erase`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ session_id: ticket }),
        credentials: "omit",
      });
      answer = await response.json();
    } catch {
      throw new Error("");
    }
    if (fieldsOf(answer).erased !== true) throw new Error(textOf(fieldsOf(answer).error));
  }

  private renew(): void {
    if (this.socket?.connected) this.ask();
  }

  private ask(): void {
    this.ready = false;
    clearTimeout(this.historyTimer);
    this.historyTimer = setTimeout(() => this.restart(), MILLISECONDS.forHistory);
    this.socket?.emit("session_request", { session_id: this.memory.now.ticket });
  }

  /** Tries again where the library takes a server's goodbye or refusal as final. */
  private insist(final: boolean): void {
    if (final) setTimeout(() => this.socket?.connect(), MILLISECONDS.untilAgain * (1 + Math.random()));
  }

  private restart(): void {
    this.socket?.disconnect();
    this.lose("offline");
    this.socket?.connect();
  }

  /** Hears `event` of the conversation that we are in, when it names a message. */
  private listen(event: string, hear: (messageId: string, data: Record<string, unknown>) => void): void {
    this.socket?.on(event, (data) => {
      const messageId = textOf(fieldsOf(data).message_id);
      if (messageId && !this.leaving) hear(messageId, fieldsOf(data));
    });
  }

  private begin(data: unknown): void {
    this.rest();
    this.ready = true;
    this.tell({ kind: "history", turns: turnsOf(data) });
    this.tell({ kind: "reach", reach: "connected" });
    this.flush();
  }

  private lose(reach: Reach): void {
    this.ready = false;
    this.rest();
    this.tell({ kind: "lost" });
    this.tell({ kind: "reach", reach });
  }

  private flush(): void {
    for (const { messageId, message } of this.memory.now.unsent) {
      if (!this.ready || this.inFlight.size >= MOST_IN_FLIGHT) return;
      if (this.inFlight.has(messageId)) continue;
      this.inFlight.set(
        messageId,
        setTimeout(() => this.tell({ kind: "slow", messageId }), MILLISECONDS.untilSlow),
      );
      this.tell({ kind: "sent", messageId });
      this.socket?.emit("user_uttered", { session_id: this.memory.now.ticket, message, message_id: messageId });
    }
  }

  /** The message needs nothing more; the next may go. */
  private settle(messageId: string): void {
    clearTimeout(this.inFlight.get(messageId));
    this.inFlight.delete(messageId);
    const { unsent } = this.memory.now;
    if (unsent.some((each) => each.messageId === messageId)) {
      this.memory.keep({ unsent: unsent.filter((each) => each.messageId !== messageId) });
    }
    this.flush();
  }

  private rest(): void {
    clearTimeout(this.connectingTimer);
    clearTimeout(this.historyTimer);
    this.inFlight.forEach((timer) => clearTimeout(timer));
    this.inFlight.clear();
  }
}

/** A new message id: 128 random bits in base64url. (crypto.randomUUID needs https; a clinic may test without.) */
export function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}

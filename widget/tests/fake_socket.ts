import type { Connect, SocketLike } from "../src/connection";

type Listener = (data?: unknown) => void;

/** A Socket.IO client that goes nowhere: tests say what the server says, and read what was sent. */
export class FakeSocket implements SocketLike {
  connected = false;
  active = true;
  readonly sent: [string, Record<string, unknown>][] = [];
  readonly options: Record<string, unknown>[] = [];
  connects = 0;
  acknowledge: (answered: (error: unknown, data?: unknown) => void) => void = (answered) => answered(null, { ok: true });
  private readonly listeners = new Map<string, Listener>();

  readonly open: Connect = (_, options) => {
    this.options.push(options);
    return this;
  };

  on(event: string, listener: Listener): void {
    this.listeners.set(event, listener);
  }

  emit(event: string, data: unknown): void {
    this.sent.push([event, data as Record<string, unknown>]);
  }

  timeout(): { emit: (event: string, data: unknown, answered: (error: unknown, data?: unknown) => void) => void } {
    return {
      emit: (event, data, answered) => {
        this.emit(event, data);
        this.acknowledge(answered);
      },
    };
  }

  connect(): void {
    this.connects += 1;
  }

  disconnect(): void {
    if (this.connected) this.drop("io client disconnect");
  }

  /** The server says `event`. */
  says(event: string, data?: unknown): void {
    this.listeners.get(event)?.(data);
  }

  /** The connection comes up; with `ticket`, the server also confirms it and tells `turns`. */
  up(ticket?: string, turns: unknown[] | null = []): void {
    this.connected = true;
    this.says("connect");
    if (ticket) {
      this.says("session_confirm", ticket);
      this.says("history", { turns });
    }
  }

  /** The connection breaks. */
  drop(reason = "transport close"): void {
    this.connected = false;
    this.says("disconnect", reason);
  }

  /** Ids of the messages sent since the beginning, in order. */
  get uttered(): unknown[] {
    return this.sent.filter(([event]) => event === "user_uttered").map(([, data]) => data.message_id);
  }
}

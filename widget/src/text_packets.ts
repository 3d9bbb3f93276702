import { Emitter } from "@socket.io/component-emitter";

/*
 * Socket.IO's packets (protocol 5) without attachments, in place of the library's own reader and writer: the assistant
 * speaks text only, and a page of a clinic should not load a third more for files that nobody sends.
 */

/** Version of the packets. */
export const protocol = 5;

/** The kinds of packet; the library asks for them by these names. */
export const PacketType = { CONNECT: 0, DISCONNECT: 1, EVENT: 2, ACK: 3, CONNECT_ERROR: 4, BINARY_EVENT: 5, BINARY_ACK: 6 };

interface Packet {
  type: number;
  nsp: string;
  data?: unknown;
  id?: number;
}

type Events = Record<string, (...data: unknown[]) => void>;

/** Writes packets of the main namespace. */
export class Encoder {
  /** `packet` as the texts to send, here always one. */
  encode({ type, data, id }: Packet): string[] {
    return [`${type}${id ?? ""}${data === undefined ? "" : JSON.stringify(data)}`];
  }
}

/** Reads packets, and emits each as "decoded". */
export class Decoder extends Emitter<Events, Events, { decoded: (packet: Packet) => void }> {
  /** Throws on what is no packet; the library then closes the connection and opens it anew. */
  add(text: string): void {
    const [, type, id, json] = /^([0-4])(\d*)([^]*)$/.exec(text) ?? [];
    const data: unknown = json ? JSON.parse(json) : undefined;
    const isList = type === "2" || type === "3";
    if (!type || (isList && !Array.isArray(data)) || (type === "2" && typeof (data as unknown[])[0] !== "string")) {
      throw new Error("This is no Socket.IO packet.");
    }
    this.emitReserved("decoded", { type: Number(type), nsp: "/", data, ...(id && { id: Number(id) }) });
  }

  /** Nothing is ever half read. */
  destroy(): void {}
}

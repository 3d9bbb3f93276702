// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Connection, newMessageId, type News } from "../src/connection";
import { Memory } from "../src/memory";
import { FakeSocket } from "./fake_socket";

let socket: FakeSocket;
let memory: Memory;
let news: News[];
let connection: Connection;

const message = (messageId: string) => ({ messageId, message: messageId, text: messageId, at: 1 });
const end = (messageId: string, outcome = "answered") =>
  socket.says("turn_end", { message_id: messageId, outcome, retry_after: null });
const told = (kind: string) => news.filter((each) => each.kind === kind);
const reaches = () => news.flatMap((each) => (each.kind === "reach" ? [each.reach] : []));

function start(): void {
  socket = new FakeSocket();
  memory = new Memory();
  news = [];
  connection = new Connection("https://bot.example", memory, (each) => news.push(each), socket.open);
  connection.open();
}

beforeEach(() => {
  vi.useFakeTimers();
  sessionStorage.clear();
  start();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("tries websockets first and then polling, for ever, and opens once", () => {
  connection.open();
  expect(socket.options).toEqual([{ transports: ["websocket", "polling"], tryAllTransports: true }]);
});

it("sends nothing before the history, then everything in order with the server's ticket", () => {
  connection.send(message("a"));
  connection.send(message("b"));
  socket.connected = true;
  socket.says("connect");
  expect(socket.sent).toEqual([["session_request", { session_id: null }]]);
  socket.says("session_confirm", "ticket");
  expect(socket.uttered).toEqual([]);
  socket.says("history", { turns: [] });
  expect(socket.sent.slice(1)).toEqual([
    ["user_uttered", { session_id: "ticket", message: "a", message_id: "a" }],
    ["user_uttered", { session_id: "ticket", message: "b", message_id: "b" }],
  ]);
});

it("sends although the server's database cannot be asked", () => {
  connection.send(message("a"));
  socket.up("ticket", null);
  expect(socket.uttered).toEqual(["a"]);
});

it("sends what has no turn_end again after every connect, with the same id, and nothing else", () => {
  socket.up("ticket");
  ["a", "b"].forEach((id) => connection.send(message(id)));
  end("a");
  socket.drop();
  socket.up("ticket");
  socket.drop();
  socket.up("ticket");
  expect(socket.uttered).toEqual(["a", "b", "b", "b"]);
  end("b");
  socket.drop();
  socket.up("ticket");
  expect(socket.uttered).toHaveLength(4);
  expect(socket.sent.filter(([event]) => event === "session_request").map(([, data]) => data.session_id)).toEqual([
    null,
    "ticket",
    "ticket",
    "ticket",
  ]);
});

it("never has more in flight than the server takes, and loses none", () => {
  const ids = Array.from({ length: 12 }, (_, index) => `m${index}`);
  ids.forEach((id) => connection.send(message(id)));
  socket.up("ticket");
  for (const id of ids) {
    expect(socket.uttered.length - ids.indexOf(id)).toBeLessThanOrEqual(3);
    end(id);
  }
  expect(socket.uttered).toEqual(ids);
  expect(memory.now.unsent).toEqual([]);
});

it("loses no message in a reload, and none is sent after its answer", () => {
  socket.up("ticket");
  ["a", "b"].forEach((id) => connection.send(message(id)));
  end("a");
  start();
  socket.up("ticket");
  expect(socket.uttered).toEqual(["b"]);
});

it("stops sending a message that was refused, until it is tried again with a ticket that was confirmed anew", () => {
  socket.up("old");
  connection.send(message("a"));
  socket.says("refused", { message_id: "a", error: "Please wait." });
  expect(told("refused")).toEqual([{ kind: "refused", messageId: "a", reason: "Please wait." }]);
  socket.drop();
  socket.up("old");
  expect(socket.uttered).toEqual(["a"]);
  connection.send(message("a"), true);
  expect(socket.uttered).toEqual(["a"]);
  socket.says("session_confirm", "new");
  socket.says("history", { turns: [] });
  expect(socket.sent[socket.sent.length - 1]).toEqual([
    "user_uttered",
    { session_id: "new", message: "a", message_id: "a" },
  ]);
});

it("tells when nothing comes back, once, and not for what was answered", () => {
  socket.up("ticket");
  connection.send(message("a"));
  connection.send(message("b"));
  end("b");
  vi.advanceTimersByTime(60_000);
  expect(told("slow")).toEqual([{ kind: "slow", messageId: "a" }]);
});

it("says how the assistant can be reached", () => {
  expect(reaches()).toEqual([]);
  vi.advanceTimersByTime(2100);
  socket.says("connect_error");
  socket.up("ticket");
  socket.drop();
  socket.says("connect_error");
  socket.up("ticket");
  expect(reaches()).toEqual(["connecting", "offline", "connected", "reconnecting", "offline", "connected"]);
});

it("says nothing of connecting when that is quick", () => {
  socket.up("ticket");
  vi.advanceTimersByTime(5000);
  expect(reaches()).toEqual(["connected"]);
});

it("begins again with a server that connects and then says nothing", () => {
  socket.up();
  vi.advanceTimersByTime(11_000);
  expect(socket.connects).toBe(1);
  expect(reaches().pop()).toBe("offline");
});

it("comes back after the server's own goodbye or refusal, which the library takes as final", () => {
  socket.up("ticket");
  socket.drop("io server disconnect");
  vi.advanceTimersByTime(5000);
  expect(socket.connects).toBe(1);
  socket.active = false;
  socket.says("connect_error");
  vi.advanceTimersByTime(5000);
  expect(socket.connects).toBe(2);
});

it("hurries only when it is not connected", () => {
  connection.hurry();
  socket.up("ticket");
  connection.hurry();
  expect(socket.connects).toBe(1);
  connection.hurry(true);
  expect(socket.connects).toBe(2);
  expect(reaches().pop()).toBe("offline");
});

it("forgets a conversation, and does not hear the rest of it", () => {
  socket.up("old");
  connection.send(message("a"));
  connection.forget();
  news.length = 0;
  socket.says("bot_uttered", { message_id: "a", number: 0, text: "late", at: 1 });
  end("a");
  socket.says("erased");
  expect(news).toEqual([]);
  expect(memory.now).toMatchObject({ ticket: null, unsent: [] });
  expect(socket.sent[socket.sent.length - 1]).toEqual(["session_request", { session_id: null }]);
  socket.says("session_confirm", "new");
  socket.says("history", { turns: [] });
  socket.says("turn_start", { message_id: "b", text: "x", at: 2 });
  expect(told("started")).toHaveLength(1);
  expect(socket.uttered).toEqual(["a"]);
});

it("tells what other windows do", () => {
  socket.up("ticket");
  socket.says("turn_start", { message_id: "x", text: "from there", at: 5 });
  socket.says("bot_uttered", { message_id: "x", number: 0, text: "hi", at: 6 });
  end("x", "limited");
  socket.says("erased");
  expect(news.map(({ kind }) => kind).slice(-4)).toEqual(["started", "replied", "ended", "erased"]);
});

it.each([undefined, null, 5, "x", {}, { message_id: 7 }, []])("survives events with %j", (junk) => {
  socket.up("ticket");
  news.length = 0;
  ["turn_start", "bot_uttered", "turn_end", "refused"].forEach((event) => socket.says(event, junk));
  expect(news).toEqual([]);
});

it("rates only while the server listens, and knows whether it was heard", async () => {
  const rating = { messageId: "a", number: 0, value: "up" as const, reason: null };
  expect(await connection.rate(rating)).toBe(false);
  socket.up("ticket");
  expect(await connection.rate(rating)).toBe(true);
  expect(socket.sent[socket.sent.length - 1]).toEqual([
    "feedback",
    { session_id: "ticket", message_id: "a", number: 0, value: "up", reason: null },
  ]);
  for (const answer of [[new Error("timeout")], [null, { error: "no" }], [null, undefined]] as [unknown, unknown?][]) {
    socket.acknowledge = (answered) => answered(...answer);
    expect(await connection.rate(rating)).toBe(false);
  }
});

it("deletes with the ticket, and believes only an explicit yes", async () => {
  const fetched: unknown[] = [];
  const answers = [{ erased: true }, { error: "Too many calls." }, {}];
  vi.stubGlobal("fetch", (address: string, { body }: RequestInit) => {
    fetched.push([address, body]);
    const answer = answers.shift();
    return answer ? Promise.resolve({ json: () => Promise.resolve(answer) }) : Promise.reject(new TypeError("offline"));
  });
  await expect(connection.erase()).resolves.toBeUndefined();
  expect(fetched).toEqual([]);
  socket.up("ticket");
  await expect(connection.erase()).resolves.toBeUndefined();
  expect(fetched).toEqual([["https://bot.example/webhooks/web/erase", '{"session_id":"ticket"}']]);
  await expect(connection.erase()).rejects.toThrow("Too many calls.");
  await expect(connection.erase()).rejects.toThrow(/^$/);
  await expect(connection.erase()).rejects.toThrow(/^$/);
});

it("makes message ids of 128 random bits", () => {
  const ids = new Set(Array.from({ length: 1000 }, newMessageId));
  expect(ids.size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[\w-]{22}$/);
});

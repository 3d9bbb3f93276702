// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Memory } from "../src/memory";
import { settingsOf, type Settings } from "../src/settings";
import { InfusionGuide } from "../src/widget";
import { FakeSocket } from "./fake_socket";

customElements.define("infusion-guide", InfusionGuide);

let socket: FakeSocket;
let widget: InfusionGuide;

const reply = (messageId: string, number: number, action: string, more: object = {}) => ({
  message_id: messageId,
  number,
  text: `Reply ${number}. Call 911, or call or text 988. Poison Help is 1-800-222-1222.`,
  at: 100 + number,
  metadata: { utter_action: action },
  sources: [],
  ...more,
});

async function make(data: Partial<Settings> = {}): Promise<void> {
  socket = new FakeSocket();
  const settings = {
    ...settingsOf({ clinicPhone: "555-123-4567" }, "https://bot.example/widget.js", "https://clinic.example/"),
    ...data,
  };
  widget = new InfusionGuide(settings, new Memory(), socket.open);
  document.body.append(widget);
  await widget.updateComplete;
}

const shadow = (): ShadowRoot => widget.shadowRoot!;
const all = (selector: string): HTMLElement[] => [...shadow().querySelectorAll<HTMLElement>(selector)];
const texts = (selector: string): string[] =>
  all(selector).map((element) => element.textContent!.replace(/\s+/g, " ").trim());
const press = async (name: string): Promise<void> => {
  all("button")
    .find((button) => button.textContent!.includes(name))!
    .click();
  await widget.updateComplete;
};
const write = async (text: string): Promise<string> => {
  shadow().querySelector("textarea")!.value = text;
  widget.submit();
  await widget.updateComplete;
  return widget.state.conversation[widget.state.conversation.length - 1]?.messageId ?? "";
};
const says = async (event: string, data: unknown): Promise<void> => {
  socket.says(event, data);
  await widget.updateComplete;
};

beforeEach(() => {
  sessionStorage.clear();
  vi.stubGlobal("fetch", () => new Promise(() => undefined)); // nothing is asked for by itself
});
afterEach(() => {
  widget.remove();
  vi.restoreAllMocks();
});

it("shows notice and introduction before anything is connected", async () => {
  await make();
  widget.open();
  await widget.updateComplete;
  expect(all(".notice a").map((link) => link.getAttribute("href"))).toEqual([
    "tel:911",
    "tel:988",
    "sms:988",
    "https://988lifeline.org/chat",
  ]);
  expect(texts(".header, .notice p")[1]).toContain("can't help in an emergency");
  expect(texts(".introduction")[0]).toContain("computer program, not a person");
});

it("opens no connection before it is opened", async () => {
  await make();
  expect(socket.options).toEqual([]);
  widget.open();
  expect(socket.options).toHaveLength(1);
});

it("keeps the notice when everything else breaks", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await make();
  widget.open();
  Object.defineProperty(widget, "conversation", {
    get: () => {
      throw new Error("broken");
    },
  });
  widget.requestUpdate();
  await widget.updateComplete;
  await widget.updateComplete;
  expect(all(".notice a")).toHaveLength(4);
  expect(texts(".broken")[0]).toContain("Something in this chat broke");
});

it("shows a crisis reply with its numbers first, aloud, and without thumbs", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("help");
  await says("bot_uttered", reply(id, 0, "utter_crisis/overdose"));
  const crisis = shadow().querySelector(".crisis")!;
  expect([...crisis.querySelectorAll(".contacts a")].map((link) => link.getAttribute("href"))).toEqual([
    "tel:911",
    "tel:988",
    "sms:988",
    "https://988lifeline.org/chat",
    "tel:18002221222",
  ]);
  expect(texts(".crisis .contacts li").pop()).toBe("Poison Help 1-800-222-1222");
  expect(crisis.querySelector(".contacts")!.compareDocumentPosition(crisis.querySelector(".bubble")!)).toBe(
    Node.DOCUMENT_POSITION_FOLLOWING,
  );
  expect(texts("[data-live=crisis]")[0]).toMatch(/^Get help now\. Reply 0/);
  expect(texts("[data-live=answers]")[0]).toBe("");
  expect(all(".thumb")).toEqual([]);
  await write("I am fine");
  expect(texts("[data-live=crisis]")[0]).toBe("");
});

it("reads new answers aloud once, and a replayed history not at all", async () => {
  await make();
  widget.open();
  const old = {
    message_id: "old",
    text: "before",
    at: 1,
    replies: [reply("old", 0, "utter_faq/x"), reply("old", 1, "utter_crisis/suicide")],
  };
  socket.up("t", [old]);
  await widget.updateComplete;
  await says("bot_uttered", reply("old", 0, "utter_faq/x"));
  expect(texts(".turn .bubble")).toHaveLength(3);
  expect([...texts("[data-live=answers]"), ...texts("[data-live=crisis]")]).toEqual(["", ""]);
  const id = await write("new");
  await says("bot_uttered", reply(id, 0, "utter_faq/x"));
  await says("bot_uttered", reply(id, 0, "utter_faq/x"));
  expect(texts("[data-live=answers] p")).toHaveLength(1);
});

it("keeps markup in messages and answers as text", async () => {
  await make();
  widget.open();
  socket.up("t");
  const markup = '<img src=x onerror="alert(1)"><a href="javascript:alert(1)">x</a>';
  const id = await write(markup);
  await says(
    "bot_uttered",
    reply(id, 0, "utter_faq/x", {
      text: markup,
      sources: [{ label: markup, claims: [markup] }],
      quick_replies: [{ title: markup, payload: "/x" }],
    }),
  );
  await says("turn_end", { message_id: id, outcome: "answered" });
  expect(all("img, a[href^=javascript]")).toEqual([]);
  expect(texts(".source, .sources li, .quick button")).toEqual([markup, markup, markup]);
});

it("offers a limited message again as a new one, and a failed one as the same", async () => {
  await make();
  widget.open();
  socket.up("t");
  const limited = await write("one");
  await says("turn_end", { message_id: limited, outcome: "limited", retry_after: 30 });
  expect(texts(".standing p")[0]).toContain("again in 30 seconds");
  await press("Try again");
  const failed = socket.uttered[1];
  expect(failed).not.toBe(limited);
  await says("turn_end", { message_id: failed, outcome: "failed" });
  await press("Try again");
  expect(socket.uttered[2]).toBe(failed);
  expect(widget.state.conversation).toHaveLength(1);
});

it("sends a button's payload, shows its title, and takes the buttons away", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("hi");
  await says(
    "bot_uttered",
    reply(id, 0, "utter_faq/x", { quick_replies: [{ title: "Cravings", payload: "/faq/cravings" }] }),
  );
  expect(all(".quick")).toEqual([]);
  await says("turn_end", { message_id: id, outcome: "answered" });
  await press("Cravings");
  expect(socket.sent[socket.sent.length - 1]![1].message).toBe("/faq/cravings");
  expect(texts(".mine .bubble").pop()).toBe("You: Cravings");
  expect(all(".quick")).toEqual([]);
});

it("keeps a rating that was sent, and takes back one that was not", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("hi");
  await says("bot_uttered", reply(id, 0, "utter_faq/x"));
  const pressed = () => all(".thumb").map((thumb) => thumb.getAttribute("aria-pressed"));
  const answer = widget.conversation[0]!.replies[0]!;
  await widget.rate(answer, "up");
  await widget.updateComplete;
  expect(pressed()).toEqual(["true", "false"]);
  await widget.rate(answer, "up");
  await widget.updateComplete;
  expect(pressed()).toEqual(["false", "false"]);
  socket.acknowledge = (answered) => answered(new Error("timeout"));
  await widget.rate(answer, "down");
  await widget.updateComplete;
  expect(pressed()).toEqual(["false", "false"]);
  expect(texts(".error")).toContain(widget.words.feedbackFailed);
  expect(socket.sent.filter(([event]) => event === "feedback").map(([, data]) => data.value)).toEqual(["up", null, "down"]);
});

it("lets nobody write, and connects to nothing, before the consent", async () => {
  await make({ consent: "We keep what you write." });
  widget.open();
  await widget.updateComplete;
  expect(shadow().querySelector("textarea")!.disabled).toBe(true);
  await write("hello");
  expect([widget.state.conversation, socket.options]).toEqual([[], []]);
  await press("I agree");
  expect(shadow().querySelector("textarea")!.disabled).toBe(false);
  expect(socket.options).toHaveLength(1);
  await make({ consent: "We keep what you write." });
  expect(widget.mayWrite).toBe(true);
});

it("sends after a reload what had no answer, even while the panel is closed", async () => {
  await make();
  widget.open();
  await write("first");
  widget.remove();
  await make();
  expect(widget.state.conversation.map(({ text, standing }) => [text, standing])).toEqual([["first", "waiting"]]);
  socket.up("t");
  expect(socket.uttered).toHaveLength(1);
});

it("deletes for good, or says that it did not", async () => {
  await make();
  widget.open();
  socket.up("t");
  await write("secret");
  vi.stubGlobal("fetch", () => Promise.resolve({ json: () => Promise.resolve({ error: "Please try again." }) }));
  widget.toggleSheet("erase");
  await widget.erase();
  await widget.updateComplete;
  expect(texts(".error")).toEqual(["Your conversation was not deleted. Please try again."]);
  expect(widget.state.conversation).toHaveLength(1);
  vi.stubGlobal("fetch", () => Promise.resolve({ json: () => Promise.resolve({ erased: true }) }));
  await widget.erase();
  await widget.updateComplete;
  expect(widget.state.conversation).toEqual([]);
  expect(sessionStorage.getItem("infusion-guide")).not.toContain("secret");
  expect(new Memory().now.ticket).toBeNull();
  vi.unstubAllGlobals();
});

it("clears when another window deleted the conversation", async () => {
  await make();
  widget.open();
  socket.up("t");
  await write("secret");
  await says("erased", undefined);
  expect(widget.state.conversation).toEqual([]);
  expect(socket.sent[socket.sent.length - 1]).toEqual(["session_request", { session_id: null }]);
});

it("says that the server cannot be reached, with the phone numbers", async () => {
  await make();
  widget.open();
  socket.says("connect_error");
  await write("anyone?");
  expect(texts("[role=status]")[0]).toContain("can't be reached right now");
  expect(all(".help a").map((link) => link.getAttribute("href"))).toEqual([
    "tel:911",
    "tel:988",
    "sms:988",
    "https://988lifeline.org/chat",
    "tel:5551234567",
  ]);
  expect(texts(".standing")[0]).toBe("Waiting to be sent");
});

it("begins with two lines and four questions, which go away with the first message", async () => {
  await make();
  widget.open();
  await widget.updateComplete;
  expect(all(".introduction p")).toHaveLength(2);
  expect(texts(".starters button")).toHaveLength(4);
  socket.up("t");
  await press("What is ketamine infusion therapy?");
  expect(widget.state.conversation.map(({ text }) => text)).toEqual(["What is ketamine infusion therapy?"]);
  expect(all(".starters")).toEqual([]);
});

it("offers the clinic's questions in place of ours", async () => {
  await make({ starters: ["Where do I park?"] });
  widget.open();
  await widget.updateComplete;
  expect(texts(".starters button")).toEqual(["Where do I park?"]);
});

it("asks calmly in a check-in: words first, no card, two choices below the talk", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("it is all too much");
  const quick_replies = [
    { title: "I need help now", payload: "/help_now" },
    { title: "I'm OK", payload: "/check_in_ok" },
  ];
  await says("bot_uttered", reply(id, 0, "utter_crisis/check_in", { quick_replies }));
  await says("turn_end", { message_id: id, outcome: "answered" });
  expect(all(".crisis, .turn .contacts, h3")).toEqual([]);
  expect(texts(".stage ~ .quick button")).toEqual(["I need help now", "I'm OK"]);
  expect([texts("[data-live=crisis]")[0], texts("[data-live=answers] p")]).toEqual(["", [expect.stringContaining("Reply 0")]]);
  expect(shadow().querySelector("dialog")!.hasAttribute("data-small")).toBe(false);
});

it("makes room once it has answered, and gives it up in danger", async () => {
  await make();
  widget.open();
  socket.up("t");
  const small = () => shadow().querySelector("dialog")!.hasAttribute("data-small");
  const answered = [small()];
  for (const action of ["utter_faq/x", "utter_crisis/suicide", "utter_crisis/care_text", "utter_faq/x"]) {
    await says("bot_uttered", reply(await write("hi"), 0, action, { at: answered.length }));
    answered.push(small());
  }
  expect(answered).toEqual([false, true, false, false, true]);
  expect(all(".notice a")).toHaveLength(4);
});

it("puts the buttons after an alarm below its card, in the talk", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("help");
  const quick_replies = [{ title: "Can I text instead?", payload: "/x" }];
  await says("bot_uttered", reply(id, 0, "utter_crisis/suicide", { quick_replies }));
  await says("turn_end", { message_id: id, outcome: "answered" });
  expect(all(".log .quick button")).toHaveLength(1);
  expect(all(".stage ~ .quick")).toEqual([]);
});

it("tells all sources in one line", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("hi");
  const sources = ["A", "B", "C"].map((label) => ({ label, claims: ["it may"] }));
  await says("bot_uttered", reply(id, 0, "utter_faq/x", { sources }));
  expect(texts("summary")).toEqual(["Sources (3)"]);
  expect(texts(".source")).toEqual(["A", "B", "C"]);
});

it("shows the clinic's own answer as the clinic's, and says whose it is once", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("parking?");
  await says(
    "bot_uttered",
    reply(id, 0, "utter_uncovered/parking", {
      text: "From Example Clinic: Behind the house.",
      sources: [{ label: "From Example Clinic", claims: [] }],
      metadata: { utter_action: "utter_uncovered/parking", sources: ["clinic"] },
    }),
  );
  expect(texts(".own .bubble")).toEqual(["From Example ClinicAssistant: Behind the house."]);
  expect(all("summary")).toEqual([]);
});

it("shows a long message of the patient's own in its first lines, and whole when asked to", async () => {
  await make();
  widget.open();
  await write("I have so much to tell. ".repeat(20));
  expect(all(".mine .clamped")).toHaveLength(1);
  await press("Show all");
  expect(all(".mine .clamped")).toEqual([]);
  await press("Show less");
  expect(all(".mine .clamped")).toHaveLength(1);
});

it("is open on the next page when it was, closed when it was closed, and shows the thumb again", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("hi");
  await says("bot_uttered", reply(id, 0, "utter_faq/x"));
  await says("turn_end", { message_id: id, outcome: "answered" });
  await press("Helpful");
  widget.remove();
  await make();
  expect(widget.state.open).toBe(true);
  socket.up("t", [{ message_id: id, text: "hi", at: 1, replies: [reply(id, 0, "utter_faq/x")] }]);
  await widget.updateComplete;
  expect(all(".thumb").map((thumb) => thumb.getAttribute("aria-pressed"))).toEqual(["true", "false"]);
  widget.close();
  widget.remove();
  await make({ open: true });
  expect(widget.state.open).toBe(false);
});

it("copies the talk, or says that it could not", async () => {
  await make();
  widget.open();
  await write("does it hurt?");
  const copied: string[] = [];
  vi.stubGlobal("navigator", { clipboard: { writeText: (text: string) => Promise.resolve(copied.push(text)) } });
  await widget.copyTranscript();
  expect(copied[0]).toContain("does it hurt?");
  expect(widget.note?.text).toBe(widget.words.copyDone);
  vi.stubGlobal("navigator", {});
  await widget.copyTranscript();
  expect(widget.note?.text).toBe(widget.words.copyFailed);
  vi.unstubAllGlobals();
});

it.each([
  [true, "https://bot.example gives its script"],
  [false, "https://bot.example does not answer"],
])("tells the page's owner why it is not reached, once: script there %s", async (ok, expected) => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.stubGlobal("fetch", () => (ok ? Promise.resolve({ ok }) : Promise.reject(new TypeError())));
  await make();
  widget.open();
  socket.says("connect_error");
  socket.says("connect_error");
  await vi.waitFor(() => expect(warned).toHaveBeenCalled());
  expect(warned.mock.calls).toHaveLength(1);
  expect(warned.mock.calls[0]![0]).toContain(expected);
  expect(all(".check")).toEqual([]);
  vi.unstubAllGlobals();
});

it("follows the language of the assistant, and marks each message with its own", async () => {
  await make();
  widget.open();
  socket.up("t");
  const id = await write("hola, ¿ayuda con la ansiedad?");
  const metadata = { utter_action: "utter_faq/anxiety", language: "es" };
  await says("bot_uttered", reply(id, 0, "", { metadata, text: "Puede ayudar.", quick_replies: [{ title: "Depresión", payload: "/x" }] }));
  await says("turn_end", { message_id: id, outcome: "answered" });
  expect(shadow().querySelector(".frame")!.getAttribute("lang")).toBe("es");
  expect(texts(".header")[0]).toContain("Hablar con una persona");
  expect(all(".turn [lang]").map((element) => element.getAttribute("lang"))).toEqual(["es", "es"]);
  expect(all(".quick button").map((button) => button.getAttribute("lang"))).toEqual(["es"]);
  expect(new Memory().now.language).toBe("es"); // and so after a reload
  const next = await write("in english please");
  await says("bot_uttered", reply(next, 0, "", { at: 200, metadata: { ...metadata, language: "en" } }));
  expect(shadow().querySelector(".frame")!.getAttribute("lang")).toBe("en");
  expect(all(".turn [lang]").map((element) => element.getAttribute("lang"))).toEqual(["es", "es", "en", "en"]);
});

it("speaks the tag's language first, and changes it from the menu", async () => {
  await make({ language: "es", title: "Clínica Sol" });
  widget.open();
  socket.up("t");
  expect(texts(".introduction")[0]).toContain("programa de computadora");
  widget.toggleSheet("menu");
  await widget.updateComplete;
  await press("English");
  expect(texts(".introduction")[0]).toContain("computer program");
  expect(shadow().querySelector("h2")!.getAttribute("lang")).toBe("es"); // the clinic's own words stay
  expect(JSON.stringify(socket.sent)).toContain("In English, please");
});

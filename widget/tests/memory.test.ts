// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";

import { Memory } from "../src/memory";

const MESSAGE = { messageId: "m", message: "does it hurt?", text: "does it hurt?", at: 1 };

beforeEach(() => sessionStorage.clear());

it("remembers across a reload, under one key", () => {
  new Memory().keep({ ticket: "t", unsent: [MESSAGE] });
  expect(new Memory().now).toEqual({ ticket: "t", unsent: [MESSAGE], agreed: false, open: null, thumbs: {}, language: "" });
  expect(Object.keys(sessionStorage)).toEqual(["infusion-guide"]);
});

it("works until the page is left where storage is blocked", () => {
  const blocked = new Memory(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  blocked.keep({ ticket: "t" });
  blocked.keep({ agreed: true });
  expect(blocked.now).toEqual({ ticket: "t", unsent: [], agreed: true, open: null, thumbs: {}, language: "" });
});

it("works where storage is full", () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  const memory = new Memory(() => full as unknown as Storage);
  memory.keep({ ticket: "t" });
  expect(memory.now.ticket).toBe("t");
});

it.each(["{", "null", "[]", '"x"', '{"ticket":5,"unsent":{"a":1},"agreed":"yes","open":1,"thumbs":7}', '{"unsent":[null,{"message":"x"},5]}'])(
  "begins anew when it finds %s",
  (junk) => {
    sessionStorage.setItem("infusion-guide", junk);
    expect(new Memory().now).toEqual({ ticket: null, unsent: [], agreed: false, open: null, thumbs: {}, language: "" });
  },
);

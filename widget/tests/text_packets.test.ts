import { expect, it } from "vitest";

import { Decoder, Encoder } from "../src/text_packets";

function decoded(text: string): unknown {
  let found: unknown;
  const decoder = new Decoder();
  decoder.on("decoded", (packet) => (found = packet));
  decoder.add(text);
  return found;
}

it.each([
  [{ type: 0, nsp: "/" }, "0"],
  [{ type: 0, nsp: "/", data: { sid: "x" } }, '0{"sid":"x"}'],
  [
    { type: 2, nsp: "/", data: ["user_uttered", { message: 'does it hurt? 🙂\n"2"' }] },
    '2["user_uttered",{"message":"does it hurt? 🙂\\n\\"2\\""}]',
  ],
  [{ type: 2, nsp: "/", id: 7, data: ["feedback", null] }, '27["feedback",null]'],
  [{ type: 3, nsp: "/", id: 0, data: [{ ok: true }] }, '30[{"ok":true}]'],
  [{ type: 4, nsp: "/", data: { message: "no" } }, '4{"message":"no"}'],
  [{ type: 1, nsp: "/" }, "1"],
])("writes and reads %j", (packet, text) => {
  expect(new Encoder().encode(packet)).toEqual([text]);
  expect(decoded(text)).toEqual(packet);
});

it.each(["", "x", "7[]", '51-["a",{}]', "2", "2{}", "2[]", "2[5]", "2[", "3", "3{}", '2/other,["a"]'])(
  "refuses %j",
  (text) => {
    expect(() => decoded(text)).toThrow();
  },
);

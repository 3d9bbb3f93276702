import { expect, it } from "vitest";

import { settingsOf } from "../src/settings";

const PAGE = "https://clinic.example/therapy/";
const read = (data: DOMStringMap, source = "https://bot.example/widget.js") => settingsOf(data, source, PAGE);

it("needs no attribute", () => {
  expect(read({})).toEqual({
    server: "https://bot.example",
    clinicName: "",
    clinicPhone: "",
    emergencyNumber: "911",
    crisisLine: "988",
    crisisChat: "https://988lifeline.org/chat",
    title: "",
    greeting: "",
    starters: [],
    language: "en",
    position: "right",
    open: false,
    privacyLink: "",
    consent: "",
  });
});

it("takes what the tag says", () => {
  const settings = read({
    clinicName: " Example Clinic ",
    clinicPhone: "555-123-4567",
    position: "left",
    open: "true",
    consent: "Yes?",
    language: "es",
  });
  expect(settings).toMatchObject({
    clinicName: "Example Clinic",
    clinicPhone: "555-123-4567",
    position: "left",
    open: true,
    consent: "Yes?",
    language: "es",
  });
});

it.each([
  [{ server: "https://other.example/path" }, "https://other.example"],
  [{ server: "javascript:alert(1)" }, "https://bot.example"],
  [{ server: "https://" }, "https://bot.example"],
  [{ server: "" }, "https://bot.example"],
])("finds the assistant with %j at %s", (data, expected) => {
  expect(read(data).server).toBe(expected);
});

it("talks to the page's own origin when the script's address is not known", () => {
  expect(read({}, "").server).toBe("https://clinic.example");
});

it.each([
  ["/privacy", "https://clinic.example/privacy"],
  ["https://law.example/p", "https://law.example/p"],
  ["javascript:alert(1)", ""],
  ["data:text/html,x", ""],
])("makes of the privacy link %s: %s", (privacyLink, expected) => {
  expect(read({ privacyLink }).privacyLink).toBe(expected);
});

it.each([
  [{ emergencyNumber: "112", crisisLine: "116 123" }, "112", "116 123"],
  [{ emergencyNumber: "none", crisisLine: " " }, "911", "988"],
])("never loses the emergency numbers: %j", (data, emergency, crisis) => {
  expect(read(data)).toMatchObject({ emergencyNumber: emergency, crisisLine: crisis });
});

it("offers the chat of 988 only beside 988, else what the tag names", () => {
  expect(read({ crisisLine: "116 123" }).crisisChat).toBe("");
  expect(read({ crisisLine: "116 123", crisisChat: "https://help.example/chat" }).crisisChat).toBe("https://help.example/chat");
  expect(read({ crisisChat: "javascript:alert(1)" }).crisisChat).toBe("https://988lifeline.org/chat");
});

it("takes the questions of the first screen, parted by bars", () => {
  expect(read({ starters: " What is it? | | Does it hurt?" }).starters).toEqual(["What is it?", "Does it hurt?"]);
});

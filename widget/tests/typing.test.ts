import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { TypingDots } from "../src/typing";

let changes: boolean[];
let dots: TypingDots;

beforeEach(() => {
  vi.useFakeTimers();
  changes = [];
  dots = new TypingDots(() => changes.push(dots.shown));
});
afterEach(() => vi.useRealTimers());

it("does not flash for a fast turn", () => {
  dots.follow(true);
  vi.advanceTimersByTime(100);
  dots.follow(false);
  vi.advanceTimersByTime(5000);
  expect(changes).toEqual([]);
});

it("stays a moment once it is shown", () => {
  dots.follow(true);
  vi.advanceTimersByTime(160);
  dots.follow(false);
  vi.advanceTimersByTime(100);
  expect(dots.shown).toBe(true);
  vi.advanceTimersByTime(500);
  expect(changes).toEqual([true, false]);
});

it("goes at the real end of a long turn", () => {
  dots.follow(true);
  vi.advanceTimersByTime(4000);
  dots.follow(false);
  vi.advanceTimersByTime(1);
  expect(changes).toEqual([true, false]);
});

it("stays through two turns without a break", () => {
  dots.follow(true);
  vi.advanceTimersByTime(200);
  dots.follow(false);
  dots.follow(true);
  vi.advanceTimersByTime(5000);
  expect(changes).toEqual([true]);
});

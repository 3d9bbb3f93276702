const DELAY = 150;
const SHORTEST = 350;

/**
 * Whether typing dots are shown. They follow the turn, but appear only when it lasts a moment and then stay a moment:
 * dots that flash for a few milliseconds frighten more than they tell.
 */
export class TypingDots {
  shown = false;
  private wanted = false;
  private timer?: ReturnType<typeof setTimeout>;

  /** `changed` is called whenever `shown` changes. */
  constructor(private readonly changed: () => void) {}

  /** Says whether an answer is being written now. */
  follow(writing: boolean): void {
    if (writing === this.wanted) return;
    this.wanted = writing;
    // While the dots must still stay, the end of that time looks again.
    if (!this.timer) this.wait(this.shown ? 0 : DELAY);
  }

  private wait(milliseconds: number): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.shown === this.wanted) return;
      this.shown = this.wanted;
      this.changed();
      if (this.shown) this.wait(SHORTEST);
    }, milliseconds);
  }
}

import { html, LitElement, nothing, render, type TemplateResult } from "lit";

import type { Chat, Note, Opinion, Sheet } from "./chat";
import { Connection, newMessageId, type Connect, type News } from "./connection";
import { after, gravityNow, gravityOf, isUnderWay, isWriting, keyOf, pinned, type Event as TalkEvent } from "./conversation";
import { whyNotReached } from "./diagnosis";
import { Memory } from "./memory";
import type { Conversation, Finding, QuickReply, Reach, Reply, Thumb, Turn } from "./nouns";
import { settingsOf, type Settings } from "./settings";
import { styles } from "./styles";
import { checkColours } from "./theme";
import { transcriptOf } from "./transcript";
import { TypingDots } from "./typing";
import { checkView, findingWords } from "./views/check";
import { headerView } from "./views/header";
import { icon } from "./views/icons";
import { noticeView } from "./views/notice";
import { panelView } from "./views/panel";
import { followVisibleViewport } from "./viewport";
import { fill, reasonIn, speaks, wordsOf, type Words } from "./words";

const SMALL_SCREEN = "(max-width: 30em), (max-height: 30em)";
const TOUCH = "(pointer: coarse)";
const NOTE_STAYS = 7000;
const ANSWERS_STAY = 15_000;
const CHECK = /[?&]infusion-guide=check\b/;
/** Pixels of an answer that may stand below what is in view before it is said that there is more. */
const HARDLY = 12;
/** While the talk is printed, the page holds nothing else. */
const ALONE = "@media print { body > :not(infusion-guide) { display: none !important } }";

/**
 * The chat: a launcher and a panel with the emergency notice, the header and the talk.
 *
 * Notice and header are the element's own template. The talk is rendered apart, so that a fault in it can take neither
 * away. The views know it as `Chat` only, whose file says what each field and action means; the state is changed here,
 * and each change asks for a new rendering.
 */
export class InfusionGuide extends LitElement implements Chat {
  static override styles = styles;

  words: Words;
  readonly dots = new TypingDots(() => this.requestUpdate());
  readonly opinions = new Map<string, Opinion>();
  readonly unfolded = new Set<string>();
  below: "" | "more" | "new" = "";
  conversation: Conversation = [];
  reach: Reach = "idle";
  sheet: Sheet = "";
  length = 0;
  answers: readonly string[] = [];
  alarm = "";
  note?: Note;
  erasing = false;
  eraseError = "";

  private isOpen = false;
  private unread = false;
  private broken = false;
  private missed = false;
  /** whether the assistant was reached at all */
  private opened = false;
  private findings: Finding[] = [];
  private following = true;
  private scrolledFor = "";
  private scrolledTo = 0;
  private readonly told = new Set<string>();
  private readonly memory: Memory;
  private readonly connection: Connection;
  private readonly smallScreen = window.matchMedia(SMALL_SCREEN);
  private noteTimer?: ReturnType<typeof setTimeout>;
  private answersTimer?: ReturnType<typeof setTimeout>;
  private countdown?: ReturnType<typeof setTimeout>;

  /** `memory` and `connect` are the tab's storage and Socket.IO; tests give their own. */
  constructor(
    readonly settings: Settings = settingsOf({}, "", document.baseURI),
    memory = new Memory(),
    connect?: Connect,
  ) {
    super();
    this.memory = memory;
    this.words = wordsOf(memory.now.language || settings.language);
    this.connection = new Connection(settings.server, memory, (news) => this.hear(news), connect);
    Object.entries(memory.now.thumbs).forEach(([key, value]) => this.opinions.set(key, { value }));
    memory.now.unsent.forEach((outgoing) => this.happen({ kind: "said", outgoing }));
  }

  /** What is going on, for tests and the curious. */
  get state(): Readonly<{ open: boolean; reach: Reach; sheet: Sheet; conversation: Conversation }> {
    return { open: this.isOpen, reach: this.reach, sheet: this.sheet, conversation: this.conversation };
  }

  get mayWrite(): boolean {
    return !this.settings.consent || this.memory.now.agreed;
  }

  // ---- What a patient does ----

  /** Opens the panel: beside the page, or in place of it on a small screen. `focus`: also moves the focus into it. */
  open(focus = true): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.unread = false;
    this.scrolledFor = "";
    this.memory.keep({ open: true });
    if (focus) this.show();
    else this.panel.setAttribute("open", ""); // show() would take the focus away from the page
    this.begin();
    this.requestUpdate();
    if (focus) this.settleFocus();
  }

  close(): void {
    this.panel.close();
  }

  submit(): void {
    const text = this.input.value.trim();
    this.input.focus();
    if (!text || !this.mayWrite) return this.say(text ? this.words.consentNeeded : this.words.emptyHint);
    this.input.value = "";
    this.typed();
    this.write(text);
  }

  ask(question: string): void {
    this.write(question);
    this.settleFocus();
  }

  press(button: QuickReply): void {
    this.write(button.title, button.payload);
    this.settleFocus();
  }

  askForPerson(): void {
    this.write(this.words.personMessage);
    this.settleFocus();
  }

  tryAgain(turn: Turn): void {
    if (turn.standing === "limited") {
      this.happen({ kind: "removed", messageId: turn.messageId });
      return this.write(turn.text, turn.message);
    }
    const { messageId, text, message = text } = turn;
    turn.replies.forEach((reply) => this.told.delete(keyOf(reply)));
    this.happen({ kind: "again", messageId });
    this.connection.send({ messageId, text, message, at: Date.now() / 1000 }, turn.standing === "refused");
    this.settleFocus();
  }

  discard(turn: Turn): void {
    this.happen({ kind: "removed", messageId: turn.messageId });
    this.settleFocus();
  }

  async rate(reply: Reply, value: Thumb): Promise<void> {
    const before = this.opinions.get(keyOf(reply))?.value ?? null;
    const now = before === value ? null : value;
    this.opinions.set(keyOf(reply), { value: now, asking: now === "down" });
    this.keepThumb(keyOf(reply), now);
    this.requestUpdate();
    void this.updateComplete.then(() =>
      this.elementOf(keyOf(reply))?.querySelector(".reason")?.scrollIntoView({ block: "nearest" }),
    );
    await this.sendOpinion(reply, now, null, before);
  }

  async giveReason(reply: Reply, reason: string): Promise<void> {
    this.opinions.set(keyOf(reply), { value: "down" });
    this.requestUpdate();
    this.elementOf(keyOf(reply))?.querySelector<HTMLElement>("[data-value=down]")?.focus();
    if (reason) await this.sendOpinion(reply, "down", reason, "down");
  }

  unfold({ messageId }: Turn): void {
    if (!this.unfolded.delete(messageId)) this.unfolded.add(messageId);
    this.requestUpdate();
  }

  goDown(): void {
    const { log } = this;
    const newest = this.conversation[this.conversation.length - 1];
    const top = (newest && this.elementOf(newest.messageId)?.offsetTop) ?? 0;
    const isAbove = top > log.scrollTop + log.clientHeight - HARDLY;
    log.scrollTop = isAbove ? top - 4 : log.scrollTop + log.clientHeight * 0.8;
    log.focus();
    this.look();
  }

  agree(): void {
    this.memory.keep({ agreed: true });
    this.begin();
    this.requestUpdate();
    this.settleFocus();
  }

  toggleSheet(sheet: Sheet): void {
    const before = this.sheet;
    this.sheet = before === sheet ? "" : sheet;
    this.eraseError = "";
    this.requestUpdate();
    // Into what was opened; back to the button that opened what was closed.
    void this.updateComplete.then(() => {
      const from = before === "person" ? "person" : "menu";
      const target = this.sheet ? "#sheet a, #sheet button" : `[data-sheet=${from}]`;
      this.root.querySelector<HTMLElement>(target)?.focus();
    });
  }

  startAnew(): void {
    this.clear(this.words.newConversationDone);
    this.settleFocus();
  }

  changeLanguage(): void {
    const { words } = this;
    this.speak(words.otherLanguageCode);
    this.write(words.otherLanguageMessage);
    this.settleFocus();
  }

  async erase(): Promise<void> {
    if (this.erasing) return;
    this.erasing = true;
    this.eraseError = "";
    this.requestUpdate();
    try {
      await this.connection.erase();
      this.clear(this.words.deleteDone);
      this.settleFocus();
    } catch (error) {
      const told = this.words.language === "en" ? (error as Error).message : "";
      const reason = told || this.words.deleteUnreachable;
      this.eraseError = fill(this.words.deleteFailed, { reason });
    } finally {
      this.erasing = false;
      this.requestUpdate();
    }
  }

  async copyTranscript(): Promise<void> {
    this.toggleSheet("menu");
    try {
      await navigator.clipboard.writeText(this.transcript);
      this.say(this.words.copyDone);
    } catch {
      this.say(this.words.copyFailed); // an old browser, a page without https, or a visitor who forbids it
    }
  }

  printTranscript(): void {
    this.toggleSheet("menu");
    void this.updateComplete.then(() => {
      const closed = [...this.root.querySelectorAll<HTMLDetailsElement>("details:not([open])")];
      const alone = new CSSStyleSheet();
      alone.replaceSync(ALONE);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, alone];
      closed.forEach((each) => (each.open = true));
      this.panel.close(); // above the page (showModal) it would be cut off at the end of the first sheet
      this.panel.show();
      const asBefore = (): void => {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== alone);
        closed.forEach((each) => (each.open = false));
        this.showAnew();
      };
      window.addEventListener("afterprint", asBefore, { once: true });
      window.print();
    });
  }

  saveTranscript(): void {
    const text = this.transcript;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    link.download = this.words.transcriptFile;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    this.toggleSheet("menu");
  }

  typed(): void {
    this.length = this.input.value.length;
    this.requestUpdate();
  }

  scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    if (Math.abs(scrollTop - this.scrolledTo) > 4) this.following = scrollHeight - clientHeight - scrollTop < 48;
    this.look();
  }

  // ---- What the assistant says ----

  private hear(news: News): void {
    try {
      if (news.kind === "reach") this.reached(news.reach);
      else if (news.kind === "erased") this.erasedElsewhere();
      else this.happen(news);
    } catch (error) {
      this.fail(error);
    }
  }

  private happen(event: TalkEvent): void {
    this.conversation = after(this.conversation, event);
    this.dots.follow(isWriting(this.conversation));
    this.requestUpdate();
    switch (event.kind) {
      case "history":
        this.speakAsTold();
        return this.rememberAsTold();
      case "replied":
        this.speakAsTold();
        return this.announce(event.reply);
      case "refused":
        return this.say(fill(this.words.refused, { reason: reasonIn(this.words, event.reason) }), false);
      case "slow":
        return this.say(this.words.slow, false);
      case "ended":
        if (event.outcome === "failed") this.say(this.words.failed, false);
        if (event.outcome === "limited") this.say(fill(this.words.limited, { seconds: secondsUntil(event.retryAt) }), false);
    }
  }

  /** The chat's own words follow the newest reply, so that a patient reads one language. */
  private speakAsTold(): void {
    const said = this.conversation.flatMap((turn) => turn.replies).filter((reply) => speaks(reply.language));
    if (said.length) this.speak(said[said.length - 1]!.language);
  }

  private speak(language: string): void {
    if (this.memory.now.language === language) return;
    this.memory.keep({ language });
    this.words = wordsOf(language);
    this.requestUpdate();
  }

  private reached(reach: Reach): void {
    const before = this.reach;
    this.reach = reach;
    if (reach === "offline" && before !== "offline") void this.explain();
    if (reach === "connected") this.find("checkWorks");
    if (reach === "connected" && (before === "reconnecting" || before === "offline")) this.say(this.words.connectedAgain);
    this.requestUpdate();
  }

  /** Tells the page's owner why the assistant cannot be reached: once in the console, and on the page when it is checked. */
  private async explain(): Promise<void> {
    if (this.opened) return;
    const finding = await whyNotReached(this.settings.server);
    console.warn(`infusion-guide: ${findingWords(this, finding)}`);
    this.find(finding);
  }

  private find(finding: Finding): void {
    this.opened = this.opened || finding === "checkWorks";
    this.findings = [finding, ...this.findings.filter((each) => each === "checkCovered")];
    this.requestUpdate();
  }

  private erasedElsewhere(): void {
    if (!this.erasing) this.clear(this.words.deleteElsewhere);
  }

  /** A replayed history is not read out. Answers to messages that were waiting come again by themselves, and are. */
  private rememberAsTold(): void {
    for (const turn of this.conversation) {
      if (!isUnderWay(turn)) turn.replies.forEach((reply) => this.told.add(keyOf(reply)));
    }
  }

  private announce(reply: Reply): void {
    if (this.told.has(keyOf(reply))) return;
    this.told.add(keyOf(reply));
    // A closed panel stays closed, even for a crisis reply: perhaps someone has come in who must not see it.
    this.unread = !this.isOpen;
    this.missed = this.missed || !this.following;
    if (gravityOf(reply) === "alarm") {
      this.alarm = `${this.words.crisisHeading}. ${reply.text}`;
    } else {
      this.answers = [...this.answers, fill(this.words.assistantSays, { text: reply.text })];
      clearTimeout(this.answersTimer);
      this.answersTimer = setTimeout(() => {
        this.answers = [];
        this.requestUpdate();
      }, ANSWERS_STAY);
    }
  }

  // ---- How it is done ----

  private begin(): void {
    if (this.mayWrite) this.connection.open();
  }

  private write(text: string, message = text): void {
    if (!this.mayWrite) return;
    const outgoing = { messageId: newMessageId(), message, text, at: Date.now() / 1000 };
    this.sheet = "";
    this.alarm = "";
    this.answers = [];
    this.note = undefined;
    this.following = true;
    this.happen({ kind: "said", outgoing });
    this.begin();
    this.connection.send(outgoing);
  }

  private async sendOpinion(
    reply: Reply,
    value: Thumb | null,
    reason: string | null,
    before: Thumb | null,
  ): Promise<void> {
    const key = keyOf(reply);
    const sent = await this.connection.rate({ messageId: reply.messageId, number: reply.number, value, reason });
    // Where the reason is asked for, the screen has no room for thanks.
    if (sent)
      return this.say(value ? this.words.feedbackThanks : this.words.feedbackTakenBack, !this.opinions.get(key)?.asking);
    this.opinions.set(key, { value: before, failed: true });
    this.keepThumb(key, before);
    this.say(this.words.feedbackFailed, false);
  }

  private keepThumb(key: string, value: Thumb | null): void {
    const { [key]: _, ...others } = this.memory.now.thumbs;
    this.memory.keep({ thumbs: value ? { ...others, [key]: value } : others });
  }

  private clear(words: string): void {
    this.connection.forget();
    this.opinions.clear();
    this.unfolded.clear();
    this.told.clear();
    this.answers = [];
    this.alarm = "";
    this.sheet = "";
    this.following = true;
    this.happen({ kind: "cleared" });
    this.say(words);
  }

  private say(text: string, seen = true): void {
    this.note = { text, seen };
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => {
      this.note = undefined;
      this.requestUpdate();
    }, NOTE_STAYS);
    this.requestUpdate();
  }

  private keyed(event: KeyboardEvent): void {
    event.stopPropagation(); // a page's shortcuts would take what is typed here for their own
    if (event.key === "Escape" && !event.isComposing) this.escape(event);
  }

  private escape(event: Event): void {
    event.preventDefault();
    if (this.sheet) this.toggleSheet(this.sheet === "erase" ? "menu" : this.sheet);
    else this.close();
  }

  private show(): void {
    const modal = this.smallScreen.matches;
    this.panel.toggleAttribute("data-modal", modal);
    if (modal) this.panel.showModal();
    else this.panel.show();
  }

  /** The window was turned or zoomed: the panel changes its form, and the focus stays where it is. */
  private showAnew(): void {
    if (!this.isOpen) return;
    const focused = this.root.activeElement as HTMLElement | null;
    this.panel.close();
    this.show();
    focused?.focus();
    this.scrolledFor = "";
    this.requestUpdate();
  }

  private closed(): void {
    if (this.panel.open) return; // it changed its form
    this.isOpen = false;
    this.memory.keep({ open: false });
    this.sheet = "";
    this.requestUpdate();
    void this.updateComplete.then(() => this.root.querySelector<HTMLElement>(".launcher")?.focus());
  }

  /**
   * Puts the focus where the patient goes on: on the input, or on the log where a touch on the input would raise a
   * keyboard over half of the answer that was asked for. Before the consent, on its button.
   */
  private settleFocus(): void {
    void this.updateComplete.then(() => {
      const consent = this.root.querySelector<HTMLElement>(".consent button");
      (consent ?? (window.matchMedia(TOUCH).matches ? this.log : this.input)).focus();
    });
  }

  /**
   * Shows the newest turn from its beginning, or its end where it is short. A crisis reply is brought to the top once and
   * stays there: nothing scrolls by itself until the patient writes again.
   */
  private follow(): void {
    const newest = this.conversation[this.conversation.length - 1];
    if (!newest || !this.isOpen) return;
    const crisis = pinned(this.conversation);
    const target = crisis ? keyOf(crisis) : newest.messageId;
    const moment = crisis ? target : [target, newest.standing, newest.replies.length, this.dots.shown, newest.slow].join();
    if (moment === this.scrolledFor) return;
    this.scrolledFor = moment;
    const element = this.elementOf(target);
    if (!element || !(crisis || this.following)) return;
    // An answer that does not fit below the words it answers begins at the top, with a rest of them.
    const answer = element.querySelector<HTMLElement>(".reply");
    const tooLong = !crisis && answer && element.offsetHeight > this.log.clientHeight;
    this.log.scrollTop = tooLong ? answer.offsetTop - 4 : element.offsetTop - 4;
    this.scrolledTo = this.log.scrollTop;
  }

  /** Whether words of the last answer, or the numbers of an alarm, stand below what is in view. */
  private look(): void {
    const { log } = this;
    const newest = this.conversation[this.conversation.length - 1];
    const words = [...((newest && this.elementOf(newest.messageId))?.querySelectorAll(".reply > .bubble") ?? [])].pop();
    const hidden = words ? words.getBoundingClientRect().bottom - log.getBoundingClientRect().bottom : 0;
    if (hidden <= HARDLY) this.missed = false;
    const below = hidden <= HARDLY ? "" : this.missed ? "new" : "more";
    if (below === this.below) return;
    this.below = below;
    this.requestUpdate();
  }

  private fail(error: unknown): void {
    this.broken = true;
    console.error("infusion-guide:", error);
    this.requestUpdate();
  }

  // ---- Rendering ----

  protected override render(): TemplateResult {
    const { words } = this;
    return html`<div class="frame" part="frame" lang=${words.language} data-position=${this.settings.position}>
      <button
        type="button"
        class="launcher"
        part="launcher"
        aria-haspopup="dialog"
        aria-expanded=${this.isOpen}
        ?hidden=${this.isOpen}
        @click=${() => this.open()}
      >
        ${icon("chat")}<span>${words.launcher}</span>${this.unread ? html` <span class="badge">${words.unread}</span>` : nothing}
      </button>
      <dialog
        class="panel"
        part="panel"
        aria-labelledby="title"
        @close=${() => this.closed()}
        @cancel=${(event: Event) => this.escape(event)}
        @keydown=${(event: KeyboardEvent) => this.keyed(event)}
      >
        ${headerView(this)}${noticeView(this)}
        <div class="talk"></div>
        <p class="broken" role="alert">${this.broken ? words.broken : ""}</p>
      </dialog>
      ${checkView(this, this.checking ? this.findings : [])}
    </div>`;
  }

  protected override firstUpdated(): void {
    followVisibleViewport(this.root);
    checkColours(this.root.querySelector<HTMLElement>(".frame")!, this);
    window.addEventListener("resize", () => this.isOpen && this.look());
    this.smallScreen.addEventListener("change", () => this.showAnew());
    window.addEventListener("online", () => this.connection.hurry());
    window.addEventListener("offline", () => this.connection.hurry(true)); // a lost network shows only after a minute else
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.connection.hurry();
    });
    if (this.conversation.length) this.begin(); // messages that a reload interrupted
    if (this.checking) this.check();
    const { open } = this.memory.now;
    if (open && this.smallScreen.matches) this.open();
    else if (open ?? (this.settings.open && !this.smallScreen.matches)) this.open(false);
  }

  protected override updated(): void {
    if (this.broken) return;
    try {
      render(panelView(this), this.root.querySelector<HTMLElement>(".talk")!);
      const gravity = gravityNow(this.conversation);
      this.panel.dataset.gravity = gravity;
      this.panel.toggleAttribute("data-small", !gravity && this.conversation.some(({ replies }) => replies.length));
      this.follow();
      if (this.isOpen) this.look();
      this.countDown();
    } catch (error) {
      this.fail(error);
    }
  }

  private get checking(): boolean {
    return CHECK.test(location.search);
  }

  /** For the page's owner: asks for the assistant, and looks whether the button can be pressed. */
  private check(): void {
    const { left, top, width, height } = this.root.querySelector(".launcher")!.getBoundingClientRect();
    if (document.elementFromPoint(left + width / 2, top + height / 2) !== this) this.findings = ["checkCovered"];
    this.connection.open();
    this.requestUpdate();
  }

  private get transcript(): string {
    return transcriptOf(this.conversation, this.words, new Date());
  }

  /** The seconds until a limited message may be sent again run down on the screen. */
  private countDown(): void {
    clearTimeout(this.countdown);
    if (this.conversation.some((turn) => turn.standing === "limited" && secondsUntil(turn.retryAt) > 0)) {
      this.countdown = setTimeout(() => this.requestUpdate(), 1000);
    }
  }

  private get root(): ShadowRoot {
    return this.shadowRoot!;
  }

  private get panel(): HTMLDialogElement {
    return this.root.querySelector("dialog")!;
  }

  private get log(): HTMLElement {
    return this.root.querySelector(".log")!;
  }

  private get input(): HTMLTextAreaElement {
    return this.root.querySelector("textarea")!;
  }

  private elementOf(key: string): HTMLElement | undefined {
    return [...this.root.querySelectorAll<HTMLElement>("[data-key]")].find((element) => element.dataset.key === key);
  }
}

function secondsUntil(milliseconds: number | undefined): number {
  return Math.ceil(((milliseconds ?? 0) - Date.now()) / 1000);
}

import { css } from "lit";

/*
 * Sizes are in em of the browser's own text size (font-size: medium), not rem: many themes shrink the page's root.
 * Directions are logical, so a right-to-left page turns the panel by itself. Space is in steps of a quarter em. Colours
 * come in pairs that hold 4.5:1; a clinic changes them as pairs, too, and theme.ts looks that they can be read.
 */
export const styles = css`
  /* Without a box of its own, nothing that a page's style sheet says about the element can move, hide or cover it. */
  :host {
    display: contents !important;
  }

  /* Nothing is inherited from the page but its direction. */
  .frame {
    all: initial;
    display: contents;
    color-scheme: light dark;
    font: medium/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
    color: var(--text);
    text-align: start;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
    --accent: #005f73;
    --on-accent: #ffffff;
    --distance: var(--ig-distance, 1em);
    --text: #17282d;
    --quiet: #4b5f66;
    --link: #00566a;
    --paper: #ffffff;
    --ground: #f2f6f7;
    --line: #d9e3e6;
    --edge: #6c8087;
    --hover: #e6f0f2;
    --care: #fdf7ee;
    --calm: #eaf3f5;
    --alarm: #9b1c1c;
    --alarm-words: #9b1c1c;
    --alarm-ground: #fff4f3;
    --on-alarm: #ffffff;
    --shadow: 0 0.5em 2.5em rgb(10 40 50 / 0.22), 0 0.1em 0.4em rgb(10 40 50 / 0.14);
  }

  @media (prefers-color-scheme: dark) {
    .frame {
      --text: #e9f0f2;
      --quiet: #adbfc5;
      --link: #8ad8e4;
      --paper: #1a272b;
      --ground: #121c1f;
      --line: #33454b;
      --edge: #83989f;
      --hover: #24363c;
      --care: #2a2318;
      --calm: #1c3138;
      --alarm: #ffb4ab;
      --alarm-words: #ffb4ab;
      --alarm-ground: #341716;
      --on-alarm: #410e0b;
      --shadow: 0 0.5em 2.5em rgb(0 0 0 / 0.6);
    }
  }

  .frame[data-theme~="accent"] {
    --accent: var(--ig-accent, #005f73);
    --on-accent: var(--ig-on-accent, #ffffff);
  }

  /* Made of the clinic's two: what is quieter here is quieter by size, so that everything keeps their contrast. */
  .frame[data-theme~="paper"] {
    --text: var(--ig-text, #17282d);
    --paper: var(--ig-paper, #ffffff);
    --quiet: var(--text);
    --link: var(--text);
    --edge: var(--text);
    --alarm-words: var(--text);
    --ground: var(--paper);
    --care: var(--paper);
    --calm: var(--paper);
    --alarm-ground: var(--paper);
    --hover: var(--paper);
    --line: color-mix(in srgb, var(--text) 25%, var(--paper));
  }

  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  [hidden] {
    display: none !important;
  }

  h2,
  h3,
  p,
  ul {
    margin: 0;
    padding: 0;
    font: inherit;
  }

  /* English words on a right-to-left page keep their full stops where they belong. */
  p,
  h2,
  h3,
  summary,
  time {
    unicode-bidi: plaintext;
  }

  ul[role="list"] {
    list-style: none;
  }

  .unseen {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  .icon {
    flex: none;
    inline-size: 1.25em;
    block-size: 1.25em;
  }

  a {
    color: var(--link);
    text-underline-offset: 0.15em;
  }

  button,
  input,
  textarea {
    font: inherit;
    color: inherit;
    margin: 0;
  }

  button,
  .contact {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.45em;
    min-block-size: 2.75em;
    padding: 0.35em 0.9em;
    border: 1px solid transparent;
    border-radius: 0.75em;
    background: none;
    font-weight: 600;
    line-height: 1.25;
    text-align: center;
    text-decoration: none;
    cursor: pointer;
    touch-action: manipulation;
  }

  :focus-visible {
    outline: 3px solid var(--link);
    outline-offset: 2px;
  }

  .filled,
  .launcher {
    background: var(--accent);
    color: var(--on-accent);
  }

  .outlined {
    border-color: var(--edge);
    background: var(--paper);
    color: var(--link);
  }

  .plain {
    min-inline-size: 2.75em;
    padding: 0;
    color: var(--quiet);
  }

  .danger {
    background: var(--alarm);
    color: var(--on-alarm);
  }

  .small {
    min-block-size: 2.2em;
    font-size: 0.9em;
  }

  .outlined:hover,
  .plain:hover,
  .item:hover,
  summary:hover {
    background: var(--hover);
  }

  /* The reader's own text size; a page's where that is larger, within reason: some use it to scale their layout. */
  .launcher,
  .panel,
  .check {
    font-size: clamp(1em, 1rem, 2em);
  }

  @media (prefers-reduced-motion: no-preference) {
    .turn > *,
    .quick,
    .dots {
      animation: come 0.2s ease-out;
    }
  }

  @keyframes come {
    from {
      opacity: 0;
      transform: translateY(0.4em);
    }
  }

  /* ---- Launcher ---- */

  .launcher {
    position: fixed;
    z-index: var(--ig-z-index, 1000);
    inset-block-end: max(var(--distance), env(safe-area-inset-bottom));
    right: max(var(--distance), env(safe-area-inset-right));
    min-block-size: 3.5em;
    padding-inline: 1.25em 1.5em;
    border-radius: 2em;
    box-shadow: var(--shadow);
  }

  [data-position="left"] .launcher {
    right: auto;
    left: max(var(--distance), env(safe-area-inset-left));
  }

  .badge {
    padding: 0.1em 0.6em;
    border-radius: 1em;
    background: var(--on-accent);
    color: var(--accent);
    font-size: 0.85em;
  }

  .check {
    position: fixed;
    z-index: var(--ig-z-index, 1000);
    inset-block-start: 1em;
    inset-inline: 1em auto;
    max-inline-size: min(30em, 100vw - 2em);
    padding: 1em;
    border: 2px solid var(--accent);
    border-radius: 0.75em;
    background: var(--paper);
    box-shadow: var(--shadow);
    overflow-wrap: anywhere;
  }

  /* ---- Panel ---- */

  .panel {
    position: fixed;
    z-index: var(--ig-z-index, 1000);
    inset: auto;
    bottom: var(--distance);
    right: var(--distance);
    inline-size: min(26em, 100vw - 2 * var(--distance));
    block-size: min(46em, 100vh - 2 * var(--distance));
    max-inline-size: none;
    max-block-size: none;
    margin: 0;
    padding: 0;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: 1.1em;
    background: var(--paper);
    color: var(--text);
    box-shadow: var(--shadow);
    container: panel / size;
    overflow-wrap: anywhere;
  }

  [data-position="left"] .panel {
    right: auto;
    left: var(--distance);
  }

  .panel[open] {
    display: flex;
    flex-direction: column;
  }

  .panel[data-modal] {
    inset: var(--visible-top, 0) 0 auto 0;
    inline-size: 100%;
    block-size: var(--visible-height, 100vh);
    border: 0;
    border-radius: 0;
  }

  .panel::backdrop {
    background: var(--paper);
  }

  .talk,
  .stage {
    position: relative;
    background: var(--ground);
    flex: 1;
    display: flex;
    flex-direction: column;
    min-block-size: 0;
  }

  .broken:empty {
    display: none;
  }

  .broken {
    padding: 1em;
    font-weight: 600;
  }

  /* ---- Header ---- */

  .header {
    flex: none;
    display: grid;
    grid-template-columns: 1fr auto auto auto;
    grid-template-areas: "title person menu close" "subtitle person menu close";
    align-items: center;
    gap: 0.1em 0.25em;
    padding: 0.5em 0.25em 0.5em 0.75em;
    background: var(--accent);
    color: var(--on-accent);
  }

  .header :focus-visible {
    outline-color: var(--on-accent);
    outline-offset: -3px;
  }

  h2 {
    grid-area: title;
    font-size: 0.95em;
    font-weight: 700;
    line-height: 1.25;
    text-wrap: balance;
  }

  .subtitle {
    grid-area: subtitle;
    font-size: 0.75em;
    line-height: 1.25;
  }

  .header button {
    min-inline-size: 2.5em;
    background: none;
    color: var(--on-accent);
  }

  .header button:hover,
  .header [aria-expanded="true"] {
    background: var(--on-accent);
    color: var(--accent);
  }

  [data-sheet="person"] {
    grid-area: person;
    max-inline-size: 8.5em;
    border-color: var(--on-accent);
    padding: 0.25em 0.75em;
    font-size: 0.85em;
    line-height: 1.15;
    text-align: start;
  }

  [data-sheet="menu"] {
    grid-area: menu;
  }

  .close {
    grid-area: close;
  }

  .sheet {
    position: absolute;
    z-index: 2;
    inset-block-start: 0;
    inset-inline: 0;
    max-block-size: 100%;
    overflow: auto;
    padding: 1em;
    border-block-end: 1px solid var(--line);
    background: var(--paper);
    box-shadow: 0 0.9em 1.4em -0.9em rgb(10 40 50 / 0.35);
  }

  .sheet section {
    display: grid;
    gap: 0.75em;
    justify-items: start;
  }

  .sheet .menu {
    margin: -0.3em -0.4em;
  }

  .sheet .contacts {
    margin: 0;
  }

  .item {
    flex-direction: column;
    align-items: flex-start;
    gap: 0.1em;
    inline-size: 100%;
    padding: 0.4em 0.6em;
    text-align: start;
  }

  .item small {
    color: var(--quiet);
    font-size: 0.85em;
    font-weight: 400;
  }

  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5em;
  }

  .error {
    color: var(--alarm-words);
    font-weight: 600;
  }

  .error:empty {
    display: none;
  }

  /* ---- Emergency notice: whole at first and in danger; else its numbers only, one tap away as before ---- */

  .notice {
    flex: none;
    padding: 0.5em 0.75em;
    border-block-end: 1px solid var(--line);
    background: var(--care);
    font-size: 0.9em;
  }

  .notice p {
    padding-inline-start: 0.25em;
    font-weight: 600;
  }

  .contacts {
    display: flex;
    flex-wrap: wrap;
    gap: 0.4em;
    margin-block-start: 0.4em;
  }

  .contacts li {
    flex: 1 1 auto;
    display: flex;
  }

  .contact {
    flex: 1;
    padding-inline: 0.75em;
    border-color: var(--edge);
    background: var(--paper);
    color: var(--text);
    font-size: inherit;
  }

  .contact .icon {
    inline-size: 1.1em;
    block-size: 1.1em;
  }

  .notice .contacts {
    flex-wrap: nowrap;
  }

  .notice li {
    flex: 1 1 0;
  }

  .notice .contact {
    min-block-size: 2.8em;
    padding-inline: 0.2em;
    line-height: 1.1;
  }

  .notice .icon,
  .crisis li:not(.always) .icon {
    display: none;
  }

  [data-small] .notice {
    padding-block: 0.3em;
  }

  [data-small] .notice p {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
  }

  [data-small] .notice .contacts {
    margin: 0;
  }

  [data-small] .notice .contact small {
    display: none;
  }

  [data-small] .notice .contact {
    min-block-size: 2.4em;
    border-color: var(--line);
  }

  [data-gravity="alarm"] .notice .main,
  .crisis .main {
    border-color: transparent;
    background: var(--alarm);
    color: var(--on-alarm);
  }

  /* ---- Conversation ---- */

  .log {
    position: relative;
    flex: 1;
    min-block-size: 0;
    overflow-y: auto;
    overscroll-behavior: contain;
    padding: 1em;
    scroll-padding-block: 0.5em 3em;
    background: var(--ground);
  }

  .log:focus-visible {
    outline-offset: -3px;
  }

  .turn,
  .reply,
  .starters,
  .help,
  .consent {
    margin-block-end: 1em;
  }

  .turn > .reply:last-child {
    margin-block-end: 0.5em;
  }

  .bubble {
    inline-size: fit-content;
    max-inline-size: 92%;
    padding: 0.6em 0.9em;
    border: 1px solid transparent;
    border-radius: 1.1em;
    white-space: pre-wrap;
  }

  .theirs,
  .dots {
    border-color: var(--line);
    border-end-start-radius: 0.25em;
    background: var(--paper);
  }

  .introduction {
    white-space: normal;
  }

  .introduction p + p {
    margin-block-start: 0.4em;
  }

  .starters {
    display: grid;
    gap: 0.5em;
    justify-items: start;
  }

  .starters p {
    color: var(--quiet);
    font-size: 0.9em;
  }

  .starters button,
  .quick button {
    min-block-size: 2.9em;
    border-radius: 1.5em;
    font-size: 0.92em;
    font-weight: 500;
    text-align: start;
  }

  .bubble a[href^="tel:"] {
    white-space: nowrap;
  }

  .mine {
    display: flex;
    flex-direction: column;
    align-items: flex-end;
    margin-block-end: 0.75em;
  }

  .mine .bubble {
    max-inline-size: 85%;
    border-end-end-radius: 0.25em;
    background: var(--accent);
    color: var(--on-accent);
  }

  .clamped {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
    overflow: hidden;
    padding-block-end: 0;
    border-block-end: 0.6em solid var(--accent);
  }

  .own .theirs {
    border-inline-start: 0.25em solid var(--accent);
  }

  .whose {
    display: flex;
    gap: 0.4em;
    align-items: center;
    margin-block-end: 0.25em;
    color: var(--link);
    font-size: 0.85em;
    font-weight: 600;
  }

  .meta {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 0.75em;
    margin: 0.15em 0.3em 0;
    color: var(--quiet);
    font-size: 0.8em;
  }

  .standing {
    display: grid;
    gap: 0.5em;
    justify-items: end;
    margin-block-start: 0.2em;
    color: var(--quiet);
    font-size: 0.9em;
  }

  .standing p {
    display: flex;
    gap: 0.4em;
  }

  .standing .icon {
    margin-block-start: 0.1em;
  }

  .sources[open] {
    order: 1;
    flex: 1 1 100%;
    padding-block-end: 0.5em;
  }

  summary {
    display: flex;
    gap: 0.35em;
    align-items: center;
    inline-size: fit-content;
    min-block-size: 2.4em;
    padding-inline: 0.4em;
    border-radius: 0.6em;
    cursor: pointer;
  }

  summary::-webkit-details-marker {
    display: none;
  }

  .source {
    color: var(--text);
    font-weight: 600;
  }

  .sources ul {
    margin-block: 0.25em 0.5em;
    padding-inline-start: 1.4em;
    color: var(--text);
  }

  .feedback {
    display: inline-flex;
    margin-inline-start: auto;
  }

  .thumb {
    min-block-size: 2.6em;
    min-inline-size: 2.8em;
  }

  .thumb[aria-pressed="true"] {
    border-color: var(--link);
    background: var(--hover);
    color: var(--link);
  }

  .thumb[aria-pressed="true"] path {
    fill: currentColor;
  }

  .reason {
    display: grid;
    gap: 0.6em;
    flex: 1 1 100%;
    padding-block: 0.3em;
    color: var(--text);
    font-size: 1.1em;
  }

  .reason input {
    display: block;
    inline-size: 100%;
    min-block-size: 2.6em;
    margin-block-start: 0.3em;
    padding: 0.3em 0.7em;
    border: 1px solid var(--edge);
    border-radius: 0.6em;
    background: var(--paper);
    /* below 16 px, iOS zooms into a field that is touched */
    font-size: max(1em, 16px);
  }

  .quick {
    flex: none;
    display: flex;
    flex-wrap: wrap;
    gap: 0.5em;
    padding: 0.5em 0.75em;
    background: var(--ground);
  }

  .log .quick {
    padding: 0;
  }

  /* A check-in and what is said after an alarm are calm: a little more room, no heading, no red. */
  [data-gravity="check-in"] > .bubble,
  [data-gravity="care"] > .bubble {
    max-inline-size: 100%;
    border-color: var(--edge);
    background: var(--calm);
  }

  [data-gravity="check-in"] .quick {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(10em, 1fr));
  }

  [data-gravity="check-in"] .quick button {
    justify-content: center;
    font-weight: 600;
    text-align: center;
  }

  .crisis {
    padding: 0.75em;
    border: 2px solid var(--alarm);
    border-inline-start-width: 0.4em;
    border-radius: 0.8em;
    background: var(--alarm-ground);
  }

  h3 {
    display: flex;
    align-items: center;
    gap: 0.4em;
    font-size: 1.1em;
    font-weight: 700;
    line-height: 1.25;
  }

  .crisis h3 {
    color: var(--alarm-words);
  }

  .crisis .contacts {
    display: grid;
    grid-template-columns: 1fr 1fr;
  }

  .crisis .contacts:not(.even) li:last-child {
    grid-column: 1 / -1;
  }

  .crisis .contact {
    padding-inline: 0.5em;
    line-height: 1.15;
  }

  .contact small {
    display: block;
    font-size: 0.8em;
    font-weight: 400;
  }

  .crisis .bubble {
    max-inline-size: 100%;
    margin-block-start: 0.6em;
    padding: 0;
    border: 0;
    background: none;
  }

  .help,
  .consent {
    display: grid;
    gap: 0.6em;
    justify-items: start;
    padding: 0.9em;
    border: 1px solid var(--edge);
    border-radius: 0.8em;
    background: var(--paper);
  }

  .help .contacts {
    margin: 0;
  }

  .dots {
    display: flex;
    gap: 0.35em;
    margin-block-end: 1em;
    padding-block: 1em;
  }

  .dots i {
    inline-size: 0.5em;
    block-size: 0.5em;
    border-radius: 50%;
    background: var(--quiet);
    forced-color-adjust: none;
  }

  @media (prefers-reduced-motion: no-preference) {
    .dots i {
      animation: dot 1.2s ease-in-out infinite;
    }

    .dots i:nth-child(2) {
      animation-delay: 0.2s;
    }

    .dots i:nth-child(3) {
      animation-delay: 0.4s;
    }
  }

  @keyframes dot {
    50% {
      opacity: 0.25;
    }
  }

  /* ---- Below the conversation ---- */

  .below {
    position: absolute;
    z-index: 1;
    inset-block-end: 0.5em;
    inset-inline-end: 1em;
    min-inline-size: 2.75em;
    min-block-size: 2.75em;
    border-radius: 1.4em;
    box-shadow: var(--shadow);
  }

  .status,
  .composer,
  .footer {
    background: var(--paper);
  }

  .status {
    flex: none;
    padding-inline: 1em;
    border-block-start: 1px solid var(--line);
    font-size: 0.9em;
  }

  .status p:not(.unseen) {
    padding-block: 0.4em;
  }

  .status[data-reach="offline"] p,
  .status[data-reach="reconnecting"] p {
    font-weight: 600;
  }

  .composer {
    flex: none;
    display: grid;
    grid-template-columns: 1fr auto;
    align-items: end;
    gap: 0.2em 0.5em;
    padding: 0.5em 0.75em;
    padding-block-end: max(0.5em, env(safe-area-inset-bottom));
  }

  textarea {
    field-sizing: content;
    resize: none;
    inline-size: 100%;
    min-block-size: 2.75em;
    max-block-size: 7.5em;
    padding: 0.55em 0.9em;
    border: 1px solid var(--edge);
    border-radius: 1.3em;
    background: var(--paper);
    font-size: max(1em, 16px);
    line-height: 1.4;
  }

  textarea:focus-visible {
    outline-offset: 0;
  }

  ::placeholder {
    color: var(--quiet);
    opacity: 1;
  }

  .send {
    border-radius: 1.4em;
  }

  :disabled {
    border-color: var(--line);
    background: var(--ground);
    color: var(--quiet);
    cursor: not-allowed;
  }

  .hint,
  .footer {
    grid-column: 1 / -1;
    color: var(--quiet);
    font-size: 0.85em;
  }

  .footer {
    flex: none;
    padding: 0 1em 0.5em;
  }

  .privacy {
    display: inline-block;
    min-block-size: 24px;
  }

  /* ---- Lower windows: a small phone, a phone with its keyboard or on its side, a page at 400 % ---- */

  @container panel (max-height: 44em) {
    .subtitle {
      display: none;
    }

    .header {
      grid-template-areas: "title person menu close";
      padding-block: 0.25em;
    }

    h2 {
      font-size: 0.9em;
    }

    .log {
      padding: 0.75em;
    }

    .crisis {
      padding: 0.5em 0.6em;
    }

    .crisis .bubble {
      margin-block-start: 0.4em;
      font-size: 0.95em;
      line-height: 1.35;
    }

    .crisis .contact {
      min-block-size: 2.6em;
      padding-block: 0.1em;
    }
  }

  @container panel (max-height: 44em) and (max-width: 22em) {
    [data-sheet="person"] {
      max-inline-size: none;
    }

    h2 {
      position: absolute;
      inline-size: 1px;
      block-size: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
  }

  /* Here the notice above an alarm is its first row: with who answers there, and said once. */
  @container panel (max-height: 36em) {
    .notice p {
      font-size: 0.9em;
      line-height: 1.25;
    }

    .crisis li.always {
      display: none;
    }

    .bubble {
      line-height: 1.4;
    }

    .starters {
      gap: 0.35em;
    }

    .starters button {
      min-block-size: 2.4em;
      padding-block: 0.1em;
    }

    .notice,
    .crisis .contacts {
      font-size: 0.85em;
    }

    .crisis {
      line-height: 1.3;
    }
  }

  @container panel (max-height: 30em) {
    .header {
      padding-block: 0.1em;
    }

    .header button {
      min-block-size: 2.5em;
    }

    .footer {
      display: none;
    }

    .notice {
      padding-block: 0.2em;
    }

    .notice .contacts {
      margin-block-start: 0.15em;
    }

    .notice .contact,
    [data-small] .notice .contact {
      min-block-size: 2.2em;
    }

    .log {
      padding: 0.5em 0.6em;
    }

    .bubble {
      padding: 0.4em 0.75em;
    }

    .quick {
      gap: 0.35em;
      padding: 0.35em 0.6em;
    }

    .quick button {
      min-block-size: 2.4em;
      padding-block: 0.1em;
    }

    .composer {
      padding: 0.3em 0.6em;
    }

    textarea {
      max-block-size: 4.2em;
    }

    .status p:not(.unseen) {
      padding-block: 0.15em;
      line-height: 1.25;
    }
  }

  @container panel (max-height: 22em) {
    .notice p {
      position: absolute;
      inline-size: 1px;
      block-size: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }

    .notice .contacts {
      margin: 0;
    }

    .send .icon {
      display: none;
    }

    .header button {
      min-block-size: 2.25em;
      min-inline-size: 2.25em;
    }

    .header {
      padding-block: 0;
    }

    .log {
      padding: 0.4em;
    }

    .stage ~ .quick {
      max-block-size: 2.9em;
      overflow-y: auto;
    }

    .crisis {
      padding: 0.3em 0.5em;
    }

    .crisis h3 {
      font-size: 1em;
    }

    .crisis .contact {
      min-block-size: 2.3em;
    }

    .composer {
      padding-block: 0.2em;
    }

    .status {
      padding-inline: 0.6em;
      font-size: 0.8em;
    }

    .send,
    textarea {
      min-block-size: 2.4em;
      padding-inline: 0.7em;
      padding-block: 0.3em;
    }
  }

  @media (forced-colors: active) {
    .filled,
    .danger,
    .launcher,
    .contact,
    .mine .bubble,
    .header button,
    .badge {
      border: 1px solid ButtonText;
    }

    .header {
      border-block-end: 1px solid CanvasText;
    }

    .thumb[aria-pressed="true"] {
      forced-color-adjust: none;
      background: Highlight;
      color: HighlightText;
    }

    .dots i {
      background: CanvasText;
    }

    .panel {
      border: 1px solid CanvasText;
    }
  }

  @media print {
    .launcher,
    .composer,
    .footer,
    .status,
    .sheet,
    .quick,
    .starters,
    .below,
    .feedback,
    .check,
    .header button,
    .mine button,
    .choices,
    .dots {
      display: none !important;
    }

    .frame,
    .frame[data-theme] {
      --text: #000000;
      --quiet: #333333;
      --link: #000000;
      --paper: #ffffff;
      --ground: #ffffff;
      --care: #ffffff;
      --calm: #ffffff;
      --alarm: #000000;
      --alarm-words: #000000;
      --alarm-ground: #ffffff;
      --on-alarm: #ffffff;
      --accent: #ffffff;
      --on-accent: #000000;
    }

    .panel,
    .panel[data-modal] {
      position: static;
      container-type: normal;
      inline-size: auto;
      block-size: auto;
      overflow: visible;
      border: 0;
      box-shadow: none;
    }

    .panel[open],
    .talk,
    .stage,
    .log {
      display: block;
      overflow: visible;
      padding: 0;
    }

    h2 {
      font-size: 1.4em;
    }

    .header,
    .notice {
      padding: 0 0 0.5em;
    }

    .notice {
      margin-block-end: 1em;
    }

    .turn,
    .reply {
      break-inside: avoid;
    }

    /* Who says what, in words: on paper no side and no colour tells it. */
    .bubble .unseen {
      position: static;
      inline-size: auto;
      block-size: auto;
      margin: 0;
      clip-path: none;
      font-weight: 700;
    }

    .bubble,
    .mine .bubble {
      max-inline-size: 100%;
      padding: 0;
      border: 0;
    }

    .mine {
      align-items: flex-start;
      padding-block-start: 0.75em;
      border-block-start: 1px solid #999999;
    }

    .clamped {
      display: block;
    }
  }
`;

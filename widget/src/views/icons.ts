import { html, type TemplateResult } from "lit";

const PATHS = {
  chat: "M4 5h16v11H9l-5 4z",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  phone: "M6 3h4l1.5 5-2.5 2a12 12 0 0 0 5 5l2-2.5 5 1.5v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z",
  message: "M4 5h16v11H9l-5 4zM8 9h8M8 12.5h5",
  send: "M4 12l16-8-5 16-3.5-6.5zM11.5 13.5L20 4",
  up: "M3 10h4v10H3zM7 10l4-7a2.5 2.5 0 0 1 2.5 3L13 9h6.5a1.5 1.5 0 0 1 1.5 2l-2 8a1.5 1.5 0 0 1-1.5 1H7",
  down: "M3 14h4V4H3zM7 14l4 7a2.5 2.5 0 0 0 2.5-3l-.5-3h6.5a1.5 1.5 0 0 0 1.5-2l-2-8A1.5 1.5 0 0 0 17.5 4H7",
  person: "M12 4a4 4 0 1 1-.01 0zM4 21a8 8 0 0 1 16 0",
  book: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  down_arrow: "M12 5v14M6 13l6 6 6-6",
  alert: "M12 3L2 20h20zM12 10v4M12 17v.1",
  clock: "M12 3a9 9 0 1 0 .01 0zM12 7v5l3 2",
};

/** A picture beside words that say the same; screen readers pass over it. */
export function icon(name: keyof typeof PATHS): TemplateResult {
  return html`<svg
    class="icon"
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
    focusable="false"
  >
    <path d=${PATHS[name]}></path>
  </svg>`;
}

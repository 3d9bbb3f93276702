/* What the staff pages do beyond links and forms: hear of new requests and crises, sound, print, keys for signing.
   Without this script every page works as it is. Words stand in the templates; nothing here builds HTML from text. */
(() => {
  "use strict";

  const kept = {
    get(name) {
      try { return localStorage.getItem(`staff-${name}`); } catch { return null; }
    },
    set(name, value) {
      try { localStorage.setItem(`staff-${name}`, value); } catch { /* the browser keeps nothing: then it is not kept */ }
    },
  };

  // ---- Print, and keys ----

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // A link or button with data-key is pressed by that key alone, one with data-focus gets the focus; not while somebody
  // types, and not where the keys are switched off.
  const keys = document.getElementById("keys");
  if (keys) {
    keys.hidden = false;
    keys.setAttribute("aria-pressed", String(kept.get("keys") !== "off"));
    keys.addEventListener("click", () => {
      const on = kept.get("keys") === "off";
      kept.set("keys", on ? "on" : "off");
      keys.setAttribute("aria-pressed", String(on));
    });
  }
  document.addEventListener("keydown", (event) => {
    if (!keys || kept.get("keys") === "off") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input:not([type=hidden]), select, textarea, [contenteditable]")) return;
    const key = CSS.escape(event.key.toLowerCase());
    const [pressed, focused] = [document.querySelector(`[data-key="${key}"]`), document.querySelector(`[data-focus="${key}"]`)];
    if (!pressed && !focused) return;
    event.preventDefault();
    pressed ? pressed.click() : focused.focus();
  });

  // ---- What comes in ----

  const live = document.getElementById("live");
  if (!live || !window.EventSource) return;
  const title = document.title.replace(/^\(\d+\) /, "");
  const regions = [...document.querySelectorAll("[data-live]")];
  let before = null;

  function link(address, words) {
    const found = document.createElement("a");
    found.href = address;
    found.textContent = words;
    return found;
  }

  function say(...parts) {
    const line = document.createElement("p");
    line.className = "said";
    parts.forEach((part) => line.append(part, " "));
    live.replaceChildren(line);
  }

  function count(name, number) {
    for (const badge of document.querySelectorAll(`[data-count="${name}"]`)) {
      const words = document.createElement("span");
      words.className = "hidden";
      words.textContent = ` ${name === "requests" ? live.dataset.waiting : live.dataset.unread}`;
      badge.replaceChildren(String(number), words);
      badge.hidden = !number;
    }
  }

  async function renew(region) {
    const answered = await fetch(region.dataset.live, { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answered.ok) return;
    const fresh = new DOMParser().parseFromString(await answered.text(), "text/html");
    const active = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    region.replaceChildren(...fresh.body.childNodes);
    if (active) [...region.querySelectorAll("a")].find((each) => each.getAttribute("href") === active)?.focus();
  }

  // The newest of each kind that this browser has told of: nothing is told twice, in whichever tab.
  function isNews(kind, at) {
    const told = kept.get(`told-${kind}`);
    if (told !== null && Number(told) >= at) return false;
    kept.set(`told-${kind}`, String(at));
    return told !== null && at > 0;
  }

  function show(state, leads) {
    document.title = (state.requests ? `(${state.requests}) ` : "") + title;
    count("requests", state.requests);
    count("conversations", state.crises);
    for (const region of regions) {
      const now = region.dataset.of === "requests" ? `${state.changed} ${state.requests}` : `${state.crises} ${state.crisis_at}`;
      if (region.dataset.seen && region.dataset.seen !== now) renew(region).catch(() => {});
      region.dataset.seen = now;
    }
    if (before) {
      if (state.crisis_at > before.crisis_at) {
        const open = live.dataset.mayOpen === "yes" ? link("/staff/conversations", live.dataset.open) : live.dataset.open;
        say(live.dataset.crisis, open);
      } else if (state.request_at > before.request_at && state.requests) {
        say(live.dataset.request, link("/staff/requests", live.dataset.show));
      }
    }
    before = state;
    const crisis = isNews("crisis", state.crisis_at);
    const request = isNews("request", state.request_at);
    if (leads && (crisis || request)) ring(crisis ? 3 : 1);
  }

  // ---- Sound ----

  const sound = document.getElementById("sound");
  let audio = null;

  function ring(times) {
    if (kept.get("sound") !== "on" || !window.AudioContext) return;
    audio ??= new AudioContext();
    audio.resume();
    for (let number = 0; number < times; number += 1) {
      const start = audio.currentTime + number * 0.5;
      const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
      tone.frequency.setValueAtTime(660, start);
      tone.frequency.setValueAtTime(880, start + 0.14);
      loudness.gain.setValueAtTime(0.0001, start);
      loudness.gain.exponentialRampToValueAtTime(0.2, start + 0.03);
      loudness.gain.exponentialRampToValueAtTime(0.0001, start + 0.4);
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.42);
    }
  }

  if (sound) {
    sound.hidden = false;
    sound.setAttribute("aria-pressed", String(kept.get("sound") === "on"));
    sound.addEventListener("click", () => {
      const on = kept.get("sound") !== "on";
      kept.set("sound", on ? "on" : "off");
      sound.setAttribute("aria-pressed", String(on));
      if (on) ring(1); // so that one hears what it is, and browsers allow it from now on
    });
  }

  // ---- One stream for all tabs: a browser has few connections to one server, and pages need them ----

  const others = window.BroadcastChannel ? new BroadcastChannel("staff") : null;
  let last = null;
  others?.addEventListener("message", ({ data }) => {
    if (data === "ask") {
      if (last) others.postMessage(last);
    } else {
      show(data, false);
    }
  });

  function listen() {
    const stream = new EventSource("/staff/events");
    stream.addEventListener("message", ({ data }) => {
      last = JSON.parse(data);
      show(last, true);
      others?.postMessage(last);
    });
    stream.addEventListener("signed-out", () => {
      stream.close();
      say(live.dataset.out, link(location.pathname + location.search, live.dataset.in));
    });
  }

  if (others && navigator.locks) {
    others.postMessage("ask");
    navigator.locks.request("staff-events", () => {
      listen();
      return new Promise(() => {}); // until this tab is closed; then another one listens
    });
  } else {
    listen();
  }
})();

/** What the script tag says (docs/widget.md lists the attributes); "" where the clinic set nothing. */
export interface Settings {
  /** Origin of the assistant, for example https://bot.example */
  server: string;
  clinicName: string;
  clinicPhone: string;
  emergencyNumber: string;
  crisisLine: string;
  /** address of the crisis line's chat; "" where it has none */
  crisisChat: string;
  title: string;
  greeting: string;
  /** questions that the first screen offers; none: the usual ones */
  starters: string[];
  language: string;
  position: "left" | "right";
  open: boolean;
  privacyLink: string;
  consent: string;
}

const CHAT_OF_988 = "https://988lifeline.org/chat";

/** The settings in `data` (a script's dataset); `source` is the script's own address, `page` the page's. Never throws. */
export function settingsOf(data: DOMStringMap, source: string, page: string): Settings {
  const text = (name: string): string => data[name]?.trim() ?? "";
  const phone = (name: string, otherwise = ""): string => (/\d/.test(text(name)) ? text(name) : otherwise);
  const crisisLine = phone("crisisLine", "988");
  return {
    server: webAddress(text("server"), page)?.origin ?? webAddress(source, page)?.origin ?? new URL(page).origin,
    clinicName: text("clinicName"),
    clinicPhone: phone("clinicPhone"),
    emergencyNumber: phone("emergencyNumber", "911"),
    crisisLine,
    crisisChat: webAddress(text("crisisChat"), page)?.href ?? (crisisLine === "988" ? CHAT_OF_988 : ""),
    title: text("title"),
    greeting: text("greeting"),
    starters: text("starters").split("|").map((each) => each.trim()).filter(Boolean),
    language: text("language") || "en",
    position: text("position") === "left" ? "left" : "right",
    open: text("open") === "true",
    privacyLink: webAddress(text("privacyLink"), page)?.href ?? "",
    consent: text("consent"),
  };
}

/** `address` seen from `page`; undefined when it is empty, broken or not http(s): a javascript: link is no link. */
function webAddress(address: string, page: string): URL | undefined {
  try {
    const found = new URL(address, page);
    return address && /^https?:$/.test(found.protocol) ? found : undefined;
  } catch {
    return undefined;
  }
}

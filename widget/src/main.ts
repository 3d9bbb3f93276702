import { settingsOf } from "./settings";
import { InfusionGuide } from "./widget";

/* What the script tag runs: reads its own tag, and puts the chat on the page once. */

const NAME = "infusion-guide";
const script = document.currentScript as HTMLScriptElement | null; // null as soon as the script has run

if (!customElements.get(NAME)) {
  customElements.define(NAME, InfusionGuide);
  const settings = settingsOf(script?.dataset ?? {}, script?.src ?? "", document.baseURI);
  const append = (): void => document.body.append(new InfusionGuide(settings));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", append, { once: true });
  else append();
}

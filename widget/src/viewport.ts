/**
 * Keeps a full-screen panel inside the part of the screen that an on-screen keyboard leaves free, so that notice and
 * input both stay in view. iOS shrinks neither the page nor 100dvh for its keyboard. The size goes into a style sheet of
 * its own: a strict Content-Security-Policy forbids style attributes.
 */
export function followVisibleViewport(root: ShadowRoot): void {
  const viewport = window.visualViewport;
  if (!viewport || !("replaceSync" in CSSStyleSheet.prototype)) return;
  const sheet = new CSSStyleSheet();
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const follow = (): void => {
    // A patient who pinches to read larger wants the page larger, not the panel smaller.
    if (Math.abs(viewport.scale - 1) > 0.05) return;
    sheet.replaceSync(`.panel { --visible-height: ${viewport.height}px; --visible-top: ${viewport.offsetTop}px; }`);
  };
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
  follow();
}

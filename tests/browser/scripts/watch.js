// Runs before any script of a page: writes down what a visitor's assistive technology is told, and what a policy forbids.
window.watched = { said: [], violations: [] };

document.addEventListener("securitypolicyviolation", (event) => {
  window.watched.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});

{
  // The nearest one counts, so that aria-live=off silences a log.
  const live = "[role=log], [role=status], [role=alert], [aria-live]";

  const regionOf = (element) => {
    const region = element?.closest(live);
    return region?.getAttribute("aria-live") === "off" ? null : region;
  };

  const manner = (region) => {
    if (region.getAttribute("role") === "alert" || region.getAttribute("aria-live") === "assertive") return "assertive";
    return "polite";
  };

  const isHeard = (element) => !element.closest("[aria-hidden=true], [hidden]") && element.checkVisibility();

  const textOf = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.nodeType !== Node.ELEMENT_NODE || !isHeard(node)) return "";
    return [...node.childNodes].map(textOf).join("");
  };

  const tell = (region, node) => {
    const text = textOf(node).replace(/\s+/g, " ").trim();
    const around = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    if (text && around && region.isConnected && isHeard(around)) {
      window.watched.said.push({ manner: manner(region), text, at: performance.now() });
    }
  };

  const observe = (root) => {
    new MutationObserver((records) => {
      for (const record of records) {
        if (record.type === "characterData") {
          const region = regionOf(record.target.parentElement);
          if (region) tell(region, record.target);
          continue;
        }
        for (const node of record.addedNodes) {
          const region = record.target instanceof Element ? regionOf(record.target) : null;
          if (region) tell(region, node);
          // A region that arrives with its words is read out only when it is an alert.
          else if (node instanceof Element) {
            for (const alert of [node, ...node.querySelectorAll("*")]) {
              if (alert.matches("[role=alert]")) tell(alert, alert);
            }
          }
        }
      }
    }).observe(root, { subtree: true, childList: true, characterData: true });
  };

  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    observe(root);
    return root;
  };
}

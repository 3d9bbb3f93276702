import type { Finding } from "./nouns";

/**
 * Why the assistant at `server` cannot be reached from this page. Its script is given to every page, its talk only to
 * those of ALLOWED_ORIGINS: where the one comes and the other does not, that is why. Never throws.
 */
export async function whyNotReached(server: string): Promise<Finding> {
  let forbidden = false;
  const heard = ({ blockedURI }: SecurityPolicyViolationEvent): void => {
    forbidden = forbidden || blockedURI.startsWith(server);
  };
  document.addEventListener("securitypolicyviolation", heard);
  try {
    const { ok } = await fetch(`${server}/widget.js`, { method: "HEAD", cache: "no-store", credentials: "omit" });
    return ok && server !== location.origin ? "checkOrigin" : "checkDown";
  } catch {
    await new Promise((done) => setTimeout(done)); // the event comes after the refusal
    return forbidden ? "checkPolicy" : "checkDown";
  } finally {
    document.removeEventListener("securitypolicyviolation", heard);
  }
}

/*
 * A clinic's own colours come in two pairs: --ig-accent with --ig-on-accent, and --ig-paper with --ig-text. A pair that
 * cannot be read is not used.
 */

/** What a pair needs: words on the accent are large and few; from text and paper all other colours are made. */
const LEAST = { accent: 4.5, paper: 7 };

/** Looks the colours of `frame` over, and says on it (data-theme) which of the clinic's pairs are used; warns of others. */
export function checkColours(frame: HTMLElement, host: HTMLElement): void {
  const given = getComputedStyle(host);
  const used = [
    ["accent", "--ig-accent", "#005f73", "--ig-on-accent", "#ffffff"],
    ["paper", "--ig-paper", "#ffffff", "--ig-text", "#17282d"],
  ].filter(([pair, first, usual, second, other]) => {
    const own = [first!, second!].map((name) => given.getPropertyValue(name).trim());
    if (!own[0] && !own[1]) return false;
    const found = contrast(own[0] || usual!, own[1] || other!);
    const least = LEAST[pair as keyof typeof LEAST];
    if (found >= least) return true;
    console.warn(`infusion-guide: ${first} with ${second}: ${found.toFixed(1)}:1 < ${least}:1`);
    return false;
  });
  frame.dataset.theme = used.map(([pair]) => pair).join(" ");
}

/** Contrast of two colours as WCAG counts it, from 1 to 21; 21 where the browser cannot tell. */
export function contrast(first: string, second: string): number {
  const [light, dark] = [first, second].map(luminance).sort((a, b) => b - a) as [number, number];
  return isNaN(light + dark) ? 21 : (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  if (!context) return NaN;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((each) => {
    const share = each / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

import type { Page } from 'playwright-core';

/** A piece of text on the page and how far it stands out, 1 to 21 (WCAG 2.2, 1.4.3). */
export interface TextContrast {
  readonly text: string;
  readonly ratio: number;
}

/**
 * The contrast of every visible text, against the nearest background that is set. Text in a
 * drawing takes its colour from `fill`.
 */
export function textContrasts(page: Page): Promise<TextContrast[]> {
  return page.evaluate(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    if (!canvas) throw new Error('no canvas');
    /** A page has few colours, and the canvas takes its time. */
    const known = new Map<string, Uint8ClampedArray>();
    /** The bytes of any CSS colour, alpha last. */
    const rgba = (color: string): Uint8ClampedArray => {
      const bytes = known.get(color) ?? paint(color);
      known.set(color, bytes);
      return bytes;
    };
    const paint = (color: string): Uint8ClampedArray => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data;
    };
    // WCAG 2.2, definition of relative luminance.
    const luminance = (color: string): number => {
      const [r = 0, g = 0, b = 0] = [...rgba(color)].map((byte) => {
        const share = byte / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = (element: Element | null): string => {
      if (!element) throw new Error('no background is set');
      const color = getComputedStyle(element).backgroundColor;
      return rgba(color)[3] === 255 ? color : background(element.parentElement);
    };
    const found: { text: string; ratio: number }[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent?.trim();
      if (!element || !text || !element.checkVisibility()) continue;
      const { color, fill } = getComputedStyle(element);
      const ink = luminance(element instanceof SVGElement ? fill : color);
      const ground = luminance(background(element));
      const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
      found.push({ text, ratio });
    }
    return found;
  });
}

/** How long the browser has to begin to save what it holds, ms. */
const SAVE_MS = 60_000;

/**
 * Has the browser save what it holds.
 * @param {Blob} blob
 * @param {string} name
 */
export function handOver(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVE_MS);
}

/** What the browser keeps for this page. */

/**
 * One text of it. Where the browser blocks storage, or it is full, it lasts as long as the page.
 * @param {string} key
 * @param {() => Storage} [storage] by itself it is there after the browser was closed, too
 */
export function kept(key, storage = () => localStorage) {
  return {
    read: () => whereAllowed(() => storage().getItem(key)),
    /** @param {string} text */
    keep: (text) => whereAllowed(() => storage().setItem(key, text)),
    forget: () => whereAllowed(() => storage().removeItem(key)),
  };
}

/**
 * What `use` returns; undefined where the browser does not let it.
 * @template T
 * @param {() => T} use
 */
function whereAllowed(use) {
  try {
    return use();
  } catch (error) {
    // Whoever wanted it kept has it for now.
    if (!(error instanceof DOMException)) throw error;
    return undefined;
  }
}

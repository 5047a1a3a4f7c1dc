/** Puts an item last; at one more than there may be, that used least recently goes. */
export function used<K, T>(items: Map<K, T>, name: K, item: T, max: number): void {
  items.delete(name);
  items.set(name, item);
  const [oldest] = items.keys();
  if (items.size > max && oldest !== undefined) items.delete(oldest);
}

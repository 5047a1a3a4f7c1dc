/** A queue that holds at most `capacity` items; when full, the oldest makes room and is counted. */
export class Ring<T> {
  /** Items that made room for newer ones before anybody took them. */
  dropped = 0;
  readonly capacity: number;
  #items: T[] = [];
  #head = 0;

  /** @param capacity items, at least 1 */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.size <= this.capacity) return;
    this.#head++;
    this.dropped++;
    // The dead part never outgrows the live one, so a push costs constant time on average.
    if (this.#head > this.capacity) this.#compact();
  }

  /** Takes everything, oldest first. */
  drain(): T[] {
    this.#compact();
    const items = this.#items;
    this.#items = [];
    return items;
  }

  #compact(): void {
    if (this.#head > 0) this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}

/** What the gateway publishes. */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** Where the gateway publishes. */
export interface Outlet {
  publish(message: Message): void;
  /** Whether anybody subscribes to it now, so that streams nobody wants are not encoded. */
  isWanted(topic: string): boolean;
}

/** A byte link to a device: serial line, Bluetooth serial or TCP. Closing it twice is harmless. */
export interface Port extends AsyncDisposable {
  /** Chunks as they arrive. Ends, or throws a LinkError that says why, when the link is lost. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes have been handed to the kernel; rejects with a LinkError. */
  write(bytes: string | Uint8Array): Promise<void>;
}

export interface OpenOptions {
  /** Bits per second, for drivers that look for the right one. Links without a line rate ignore it. */
  readonly baud?: number;
}

/** Opens the link, or rejects with a LinkError that names the device and what was wrong. */
export type OpenPort = (signal: AbortSignal, options?: OpenOptions) => Promise<Port>;

/** An identifier of a CAN frame. */
export interface CanId {
  /** 11 bits, or 29 where `extended`. */
  readonly id: number;
  readonly extended: boolean;
}

/**
 * The two ends of an ISO-TP connection, as one of them sees it (ISO 15765-2, 10.3). Normal addressing
 * has nothing but the identifiers. In extended addressing the first data byte of each frame is the
 * target's address, in mixed addressing with 11 bits an address extension: then `txPrefix` is put before
 * what is sent, and only frames that begin with `rxPrefix` are for us.
 */
export interface IsoTpAddress {
  readonly tx: CanId;
  readonly rx: CanId;
  /** 0 to 255; undefined in normal addressing. */
  readonly txPrefix?: number;
  readonly rxPrefix?: number;
}

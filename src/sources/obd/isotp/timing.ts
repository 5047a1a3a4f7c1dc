/**
 * How long the two ends of a connection wait for each other, in milliseconds (ISO 15765-2, 9.7 and
 * table 20). What the standard demands of our own speed needs no timer: flow control goes out in the
 * event that brought the first frame (N_Br = 0), and the next consecutive frame as soon as the
 * separation time has passed (N_Cs), which is 127 ms at most and so below 0.9 of N_Cr.
 */
export interface IsoTpTiming {
  /** Until the bus has taken a frame of a message that we send. */
  readonly nAsMs: number;
  /** Until the bus has taken flow control that we send. */
  readonly nArMs: number;
  /** Until the receiver's flow control comes, or comes again after it asked to wait. */
  readonly nBsMs: number;
  /** Until the next consecutive frame comes. */
  readonly nCrMs: number;
}

/** ISO 15765-2, table 20. */
export const DEFAULT_TIMING: IsoTpTiming = {
  nAsMs: 1_000,
  nArMs: 1_000,
  nBsMs: 1_000,
  nCrMs: 1_000,
};

/** ISO 15765-4, table 5: what legislated OBD demands. */
export const OBD_TIMING: IsoTpTiming = { nAsMs: 25, nArMs: 25, nBsMs: 75, nCrMs: 150 };

import type { Clock } from '#core/clock.ts';
import type { Json } from '#core/stream.ts';

/**
 * What the reading of a car needs of whatever asks it: an adapter that does most of the work, or a CAN
 * bus on which the gateway is the test equipment itself. In the words of SAE J1979 both are scan tools.
 *
 *   ScanTool     the device; what is known of it outlives its connections
 *   Connection   the device while it is open
 *   VehicleLink  the car behind it, as it can be asked
 */

/** P2*CAN: an ECU that answered "wait" (7F xx 78) may take 5 s (ISO 15765-4, table 5). */
export const SLOW_ANSWER_MS = 7_000;
/** An adapter gives up by itself after ATST, 1 s at most, and then says NO DATA. */
export const ANSWER_MS = 2_500;

/** CAN with 11 or 29 bits of identifier, and the buses before it. */
export type BusKind = 'can11' | 'can29' | 'j1850' | 'kwp' | 'iso9141';

/** Whether it is CAN, with ISO-TP and requests for several PIDs, and not one of the older buses. */
export function isCan(bus: BusKind | undefined): bus is 'can11' | 'can29' {
  return bus === 'can11' || bus === 'can29';
}

/** One message of one ECU. */
export interface Response {
  /** The ECU: `7e8`, `18daf110`, or the source address on older buses, `10`. */
  readonly ecu: string;
  /** From the service byte on: 41 0C 1A F8. */
  readonly pdu: Uint8Array;
}

export type Outcome =
  | {
      readonly kind: 'answered';
      readonly responses: readonly Response[];
      /** By the number of them the end of the same answer is known the next time: see `request`. */
      readonly lines: number;
      /** False when a part was damaged or cut off: another ECU's answer may be missing. */
      readonly whole: boolean;
    }
  /** Nobody on the bus knows the request: on CAN an unsupported one gets no answer at all. */
  | { readonly kind: 'silent' }
  /** There is no bus: the car sleeps, or the plug is not in. The alert says what was seen. */
  | { readonly kind: 'no-bus'; readonly alert: string }
  /** The answer was cut or did not come; the same request may well succeed. */
  | { readonly kind: 'disturbed'; readonly alert: string };

/** A car's control units, as they can be asked: one request at a time. */
export interface VehicleLink {
  /** Protocol and bus, once an ECU has answered. Protocols are named as `ATDPN` does: `6`. */
  readonly protocol: string | undefined;
  readonly bus: BusKind | undefined;
  /** Has to be done before anything else. @throws LinkError where nothing can be asked */
  setUp(): Promise<void>;
  /**
   * Looks for ECUs by asking for PID 00 of service 01.
   *
   * @param lastProtocol what this car was found with before
   */
  connect(lastProtocol?: string): Promise<Outcome>;
  /**
   * One OBD request that only reads, sent to all ECUs.
   *
   * @param hex service and data: `010C`
   * @param frames lines of the answer, where known: then nobody waits for more of them
   */
  request(hex: string, timeoutMs?: number, frames?: number): Promise<Outcome>;
  /** As `request`, for an ECU that has said "wait" (7F xx 78, ISO 14229-1). */
  requestPatiently(hex: string): Promise<Outcome>;
  /**
   * Service 04, once: the only request that changes anything. Whoever calls it has made sure that it
   * may be sent: clearing.ts.
   */
  clearCodes(): Promise<Outcome>;
  /**
   * As `request`, of one ECU alone and for whatever only reads; left out where that cannot be done.
   *
   * @param ecu one that has answered
   */
  askEcu?(ecu: string, hex: string): Promise<Outcome>;
  /** Whether `voltage` ever tells any. */
  readonly measuresVoltage: boolean;
  /** Volts at the plug, or undefined where nobody measures them. @throws LinkError when it is lost */
  voltage(): Promise<number | undefined>;
  /** Called between requests: makes the next ones faster where that can be done. */
  tune(): Promise<void>;
  /** Whether the bus has come to life since the last call; false where nobody can tell. */
  stirred(): boolean;
  /** A sentence on a car that does not answer, or is being looked for. */
  note(searching: boolean): string;
}

/** A scan tool while it is open. */
export interface Connection extends AsyncDisposable {
  /**
   * Calls `drive` with the car behind it, and again with a new one whenever the tool has lost its
   * settings. Rejects as `drive` does, or with the LinkError that ended the connection.
   *
   * @param values how many values have come by now: a tool that fails between them is given up
   */
  serve(drive: (link: VehicleLink) => Promise<never>, values: () => number): Promise<never>;
}

export interface ScanTool {
  /** What people call it: `/dev/ttyUSB0`, `can0`. */
  readonly name: string;
  /** @throws LinkError when it is not there or does not answer */
  open(clock: Clock, signal: AbortSignal): Promise<Connection>;
  /** A sentence on what it is doing, while it is being opened. */
  note(): string | undefined;
  /** Null is what is not known at this moment; counters only grow, over all connections. */
  health(): { readonly [key: string]: Json };
}

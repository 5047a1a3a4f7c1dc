import {
  ACCOUNT_CONNECTIONS_MAX,
  CONNECTIONS_MAX,
  FILTERS_MAX,
  PUSH_BYTES_MAX,
} from '#core/mqtt-limits.ts';

/** What clients of the broker may take of it, and what happens beyond. */
export interface BrokerLimits {
  /** Connections at a time, those that have not logged in included; one more is closed at once. */
  readonly connections: number;
  /** Of one account; one more is refused with return code 3. */
  readonly accountConnections: number;
  /** New connections of one address a second; more are closed before anything is read of them. */
  readonly arrivalsPerS: number;
  /** New connections of one address at once, after a pause. */
  readonly arrivalsBurst: number;
  /** From the connection to its CONNECT. */
  readonly connectMs: number;
  /** Of a client that sends nothing, whatever its keep alive says; then the connection is closed. */
  readonly silenceMs: number;
  /** In which a client has to take up 16 KiB that wait for it; then the connection is closed. */
  readonly stallMs: number;
  /** Waiting for one client; from here on it gets no more QoS 0 until all of it has left. */
  readonly unsentBytes: number;
  /** As much of QoS 1 and 2 as waits for one client; then the connection is closed. */
  readonly unsentBytesMax: number;
  /** Filters of one client; one more is refused with 0x80. */
  readonly filters: number;
}

export const BROKER_LIMITS: BrokerLimits = {
  connections: CONNECTIONS_MAX,
  accountConnections: ACCOUNT_CONNECTIONS_MAX,
  arrivalsPerS: 5,
  arrivalsBurst: 25,
  connectMs: 5_000,
  silenceMs: 20 * 60_000,
  stallMs: 3_000,
  unsentBytes: 256 * 1024,
  // Above what is queued for a session that was away, so that it can be caught up with.
  unsentBytesMax: 2 * 1024 * 1024,
  filters: FILTERS_MAX,
};

/** A CONNECT has a token and a will at most. */
export const CONNECT_BYTES_MAX = 4 * 1024;
export const PACKET_BYTES_MAX = 64 * 1024;
/** Of a topic whose packet is longer than others: nobody's topic is longer. */
export const LARGE_TOPIC_BYTES_MAX = 256;
/**
 * Of a PUBLISH to where data is taken in: what is a little too long is refused in words, and only what is
 * much too long closes the connection.
 */
export const INGEST_PACKET_BYTES_MAX = PUSH_BYTES_MAX + 16 * 1024;
export const CLIENT_ID_CHARS_MAX = 128;
/** More levels of a topic than any of ours has. */
export const TOPIC_LEVELS_MAX = 16;
/** Packets of a client that come before the answer to its CONNECT. */
export const EARLY_PACKETS_MAX = 16;
/** QoS 2 messages of one client between PUBLISH and PUBREL; with more the connection is closed. */
export const HALF_RECEIVED_MAX = 100;
/** Addresses whose new connections are counted; beyond them the oldest counts as new. */
export const ADDRESSES_MAX = 1_024;
/** Published by one client and not taken in yet; with more its connection is not read until it is. */
export const TAKING_BYTES_MAX = 512 * 1024;
/** In which connections are looked at. */
export const LOOK_MS = 500;
/** Until everything is closed. */
export const CLOSE_MS_MAX = 1_000;
/** For what was published last to be on its way when everything is closed. */
export const LAST_WORDS_MS = 20;

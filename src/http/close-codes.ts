/** Why the gateway closes a WebSocket: codes of RFC 6455 clause 7.4.1, and from 4000 on our own. */

/** Text where only binary messages are taken. */
export const CLOSE_UNSUPPORTED = 1003;
/** The message breaks the rules of the protocol. */
export const CLOSE_POLICY = 1008;
export const CLOSE_TOO_BIG = 1009;
/** In the registry of RFC 6455 clause 11.7: try again later. */
export const CLOSE_LATER = 1013;
/** The client reads too slowly. */
export const CLOSE_TOO_SLOW = 4290;
export const CLOSE_UNAUTHENTICATED = 4401;
export const CLOSE_FORBIDDEN = 4403;
export const CLOSE_NOT_FOUND = 4404;
/** No auth message came in time. */
export const CLOSE_LATE = 4408;
export const CLOSE_TOO_MANY = 4429;

/** Who uses the gateway. The five roles are those of the two products that it takes the place of. */
export const ROLES = ['viewer', 'operator', 'researcher', 'student', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What a researcher may see besides: the names of drivers and where they were. */
export const GRANTS = ['names'] as const;
export type Grant = (typeof GRANTS)[number];

/** An account, as others may see it. */
export interface User {
  /** Random, 16 characters of base64url; never used again. */
  readonly id: string;
  /** Lower case, 2 to 32 characters of a-z, 0-9, `.`, `_` and `-`; unique. */
  readonly username: string;
  readonly role: Role;
  readonly grants: readonly Grant[];
  /** One that is not may not log in, and what it had open is closed. */
  readonly enabled: boolean;
  /** RFC 3339, as far as the clock knew. */
  readonly createdAt: string;
}

/** Of what somebody may see or do: all there is, what is their own, or nothing. */
export type Scope = 'all' | 'own' | 'none';

/** Where a request comes from. */
export interface Remote {
  /** Of the client; behind a proxy that is trusted, what that says. IPv4 without `::ffff:`. */
  readonly address: string;
  /** From this computer itself, and not through a proxy on it. */
  readonly isLocal: boolean;
  /** Over TLS, as far as here or as far as a trusted proxy. */
  readonly isSecure: boolean;
}

/** Somebody who has logged in, as of the moment when it was asked. */
export interface Identity {
  readonly user: User;
  /** Id of the log-in that they came by. */
  readonly login: string;
}

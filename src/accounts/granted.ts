import type { Remote, User } from '#core/account.ts';

/** What somebody gets who has logged in. */
export interface Granted {
  readonly user: User;
  readonly login: string;
  readonly accessToken: string;
  /** Seconds that the access token is good for. */
  readonly expiresInS: number;
  readonly refreshToken: string;
  /** Seconds after which no refresh token of the log-in is good. */
  readonly endsInS: number;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What is known of who asks before they have logged in. */
export interface Visit {
  readonly remote: Remote;
  /** What the client calls itself, for the list of one's log-ins. */
  readonly client: string;
}

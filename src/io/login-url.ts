import type { Fault } from './use-limits.ts';

/** What URLs have in common in which somebody logs in: of mail servers and brokers. */

/** A password that is not escaped ends early, and its rest looks like anything. */
export const ESCAPE =
  'in user and password, @ is written %40, / %2F, : %3A, ? %3F, # %23 and % %25';

/** Both or none. @throws what `fault` makes, which never shows the password */
export function readLogin(
  url: URL,
  fault: Fault,
): { readonly user?: string; readonly password?: string } {
  const [user, password] = [decoded(url.username, fault), decoded(url.password, fault)];
  if (user === '' && password === '') return {};
  // Nor does MQTT have it, 3.1.1 clause 3.1.2.9.
  if (user === '') throw fault('a password without a user');
  if (password === '') throw fault('a user without a password');
  return { user, password };
}

/** @throws what `fault` makes */
export function decoded(text: string, fault: Fault): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault('a % that begins no character');
  }
}

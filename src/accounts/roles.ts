import type { Role, Scope } from '#core/account.ts';

/**
 * What each role may, and the only place that says so. What is not in the table is allowed to nobody;
 * an account can be given less by nothing but another role.
 */
// biome-ignore format: a table
export const PERMISSIONS = {
  //                                                 viewer  operator  researcher student admin
  /**
   * Live data, streams, sessions and what is in them; of one's own, live only while a session of one's
   * own is open. A researcher without the grant `names` gets pseudonyms in place of names, no streams
   * that tell where the car was, and no notes and words of consent, as a name may stand in them.
   */
  see:        scopes('all',  'all',    'all',     'own',  'all'),
  /** Starting, changing and deleting sessions. */
  record:     scopes('none', 'all',    'all',     'own',  'all'),
  /** Sending EEG, face and game data and markers. */
  send:       scopes('none', 'all',    'all',     'own',  'all'),
  /** Files of recordings; a researcher gets pseudonyms, but for the grant `names`. */
  export:     scopes('all',  'all',    'all',     'own',  'all'),
  /** The rules of alerts. They are nobody's own. */
  rules:      scopes('all',  'all',    'all',     'all',  'all'),
  /** Alerts that were, of one's own sessions. */
  alerts:     scopes('all',  'all',    'all',     'own',  'all'),
  /** Changing and trying rules, acknowledging, silencing, testing actions. */
  watch:      scopes('none', 'all',    'all',     'none', 'all'),
  /** All sessions at once, with who is connected. */
  monitor:    scopes('none', 'all',    'all',     'none', 'all'),
  /** Trouble codes, the vehicle's identity, sources, the state of the system. */
  service:    scopes('none', 'all',    'none',    'none', 'all'),
  /** Users, settings, backup, audit, metrics, power. */
  manage:     scopes('none', 'none',   'none',    'none', 'all'),
  /** One's own account. */
  self:       scopes('all',  'all',    'all',     'all',  'all'),
} as const;
export type Permission = keyof typeof PERMISSIONS;

/** Roles whose password opens more than looking: they log in over TLS or from this computer only. */
export const PRIVILEGED: readonly Role[] = ['operator', 'researcher', 'admin'];

export function scopeOf(role: Role, permission: Permission): Scope {
  return PERMISSIONS[permission][role];
}

function scopes(
  ...[viewer, operator, researcher, student, admin]: [Scope, Scope, Scope, Scope, Scope]
): Readonly<Record<Role, Scope>> {
  return { viewer, operator, researcher, student, admin };
}

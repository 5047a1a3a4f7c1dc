import { Problem } from '../problem.ts';

/**
 * Problems of the routes that OAuth clients use: the member `error` of RFC 6749 clause 5.2 besides the
 * others, and 400 for a request that is not one. For what passes (429, 503) the RFC has no word there;
 * `temporarily_unavailable` is that of its clause 4.1.2.1.
 */
class OAuthProblem extends Problem {
  override readonly members: Readonly<Record<string, string | boolean>>;

  constructor(status: number, { message, faults, headers }: Problem, error: string) {
    super(status, message, faults, headers);
    this.members = { error };
  }
}

const MALFORMED: readonly number[] = [400, 415, 422];

export function oauthProblem(problem: Problem): Problem {
  const { status, faults } = problem;
  if (MALFORMED.includes(status)) {
    const isGrant = faults.some(({ pointer }) => pointer === '/grant_type');
    return new OAuthProblem(400, problem, isGrant ? 'unsupported_grant_type' : 'invalid_request');
  }
  if (status === 401) return new OAuthProblem(status, problem, 'invalid_grant');
  const passes = status === 429 || status === 503;
  return new OAuthProblem(status, problem, passes ? 'temporarily_unavailable' : 'invalid_request');
}

import { seen } from './fault.ts';
import { Problem } from './problem.ts';

/** Bodies as an HTML form or an OAuth client sends them: `a=b&c=d`, percent-encoded UTF-8. */
export const FORM = 'application/x-www-form-urlencoded';

/**
 * What a form holds, by name. One without a value counts as left out (RFC 6749 clause 3.2).
 *
 * @throws Problem 400 for a name that is there twice, of which one would be ignored, and for what is
 *   no percent-encoded UTF-8
 */
export function parseForm(body: Uint8Array): Record<string, string> {
  const fields = new Map<string, string>();
  for (const part of textOf(body).split('&')) {
    const [name = '', value = ''] = halves(part).map(decode);
    if (value === '') continue;
    if (fields.has(name)) throw new Problem(400, `The form has ${seen(name)} more than once.`);
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
}

function halves(part: string): string[] {
  const at = part.indexOf('=');
  return at < 0 ? [part] : [part.slice(0, at), part.slice(at + 1)];
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    if (cause instanceof TypeError) throw malformed();
    throw cause;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    if (cause instanceof URIError) throw malformed();
    throw cause;
  }
}

function malformed(): Problem {
  return new Problem(400, 'The body is not a form in percent-encoded UTF-8.');
}

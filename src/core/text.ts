/**
 * What ends a line or a header, or turns the direction of what follows: C0, DEL, C1, U+2028, U+2029
 * and the bidirectional controls of UAX #9.
 */
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu;

/**
 * Text from a rule, a person, a device or a server as one line: controls become a space, halves of
 * characters U+FFFD, and what is longer than `charsMax` is cut and ends with an ellipsis.
 */
export function oneLine(text: string, charsMax: number): string {
  const line = text.toWellFormed().replace(CONTROLS, ' ').trim();
  if (line.length <= charsMax) return line;
  // A cut inside a character that takes two units leaves a half, which goes too.
  const cut = line.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '');
  return `${cut}…`;
}

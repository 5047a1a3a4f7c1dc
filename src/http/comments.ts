/**
 * A script of the dashboard without the comments that have lines to themselves: they are for whoever
 * reads the source, and a third of what a phone would load. Each leaves an empty line, so that an error
 * names the line of the source. What only looks like such a comment, in the middle of a text, would go
 * too: a test reads all scripts of the page both ways.
 */
export function withoutComments(script: string): string {
  let isInside = false;
  const lines = script.split('\n').map((line) => {
    if (isInside) {
      isInside = !line.includes('*/');
      return '';
    }
    const text = line.trimStart();
    if (text.startsWith('//')) return '';
    if (!text.startsWith('/*')) return line;
    const end = text.indexOf('*/');
    // What stands behind a comment is code.
    if (end >= 0 && end + 2 < text.trimEnd().length) return line;
    isInside = end < 0;
    return '';
  });
  return lines.join('\n');
}

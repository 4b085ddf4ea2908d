/** Returns whether `glob` matches all of `text`; `*` matches any characters, or none. */
export function matchesGlob(glob: string, text: string): boolean {
  // Each piece is matched at its first occurrence, which leaves the most text for the others.
  const [head = '', ...pieces] = glob.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return glob === text;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let from = head.length;
  for (const piece of pieces) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

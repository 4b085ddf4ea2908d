/**
 * Returns the width of the terminal that `output` is, in characters; `undefined` when it is no terminal, or one
 * that does not report its width.
 */
export function widthOf(output: NodeJS.WriteStream): number | undefined {
  return output.isTTY && output.columns > 0 ? output.columns : undefined;
}

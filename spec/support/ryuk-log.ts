/** The last matching line, from the match on: without the time. */
export function lastLine(log: string, pattern: RegExp): string | undefined {
  const line = log
    .trimEnd()
    .split('\n')
    .findLast((candidate) => pattern.test(candidate));
  return line?.slice(line.search(pattern));
}

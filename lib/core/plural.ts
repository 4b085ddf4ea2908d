/** Formats a count with its noun: `1 leak`, `2 leaks`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

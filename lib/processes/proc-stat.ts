/**
 * Returns the fields of `/proc/pid/stat` from the third on, the state of the process. The second is its name in
 * parentheses, and may itself contain spaces and parentheses.
 *
 * @see proc(5), /proc/pid/stat
 */
export function parseStatFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

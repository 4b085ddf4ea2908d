/** Whether `labels` have every one of `wanted`, each `key` or `key=value`: what the engine's own label filter asks for. */
export function carriesLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((label) => {
    const at = label.indexOf('=');
    return at === -1 ? label in labels : labels[label.slice(0, at)] === label.slice(at + 1);
  });
}

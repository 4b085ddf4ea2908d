import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Runs `load`, and keeps the source maps of the files that it loads, for {@link mapStack}. Jest transforms
 * global setups, but maps no stack outside of test files.
 */
export async function keepSourceMaps<T>(load: () => Promise<T>): Promise<T> {
  if (process.sourceMapsEnabled) return load();
  process.setSourceMapsEnabled(true);
  try {
    return await load();
  } finally {
    process.setSourceMapsEnabled(false);
  }
}

/** Replaces positions in transformed files by those in their sources, unless Node.js has done so. */
export function mapStack(stack: string): string {
  if (process.sourceMapsEnabled) return stack;
  return stack.replaceAll(
    /((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()\n]*?):(\d+):(\d+)/g,
    (position, file, line, column) => {
      const path = String(file);
      const map = findSourceMap(path.startsWith('file://') ? fileURLToPath(path) : path);
      const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
      if (entry === undefined || !('originalLine' in entry)) return position;
      return `${path}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    },
  );
}

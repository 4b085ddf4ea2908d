/** A line about work in progress. */
export interface Progress {
  update(text: string): void;
  /** Removes the line. */
  end(): void;
}

/** Shows a description of `work` until it settles. Resolves or rejects with it. */
export async function withProgress<T>(what: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = openProgress(what);
  try {
    return await work(progress);
  } finally {
    progress.end();
  }
}

const delayMs = 1_000;
const everyMs = 1_000;

/**
 * Shows on a terminal what is going on and for how long, once it has taken a second. Writes to standard error:
 * standard output may be a file.
 */
function openProgress(what: string, output: NodeJS.WriteStream = process.stderr): Progress {
  if (!output.isTTY) return { update: () => undefined, end: () => undefined };
  const startedAt = performance.now();
  let text = what;
  let isShown = false;
  const show = (): void => {
    isShown = true;
    const seconds = Math.floor((performance.now() - startedAt) / 1_000);
    const line = `${text}, ${seconds} s`;
    output.write(`\r\u001B[K${line.slice(0, Math.max(1, (output.columns || 80) - 1))}`);
  };
  let timer = setTimeout(() => {
    show();
    timer = setInterval(show, everyMs).unref();
  }, delayMs).unref();
  return {
    update(more) {
      text = more;
      if (isShown) show();
    },
    end() {
      clearTimeout(timer);
      if (isShown) output.write('\r\u001B[K');
    },
  };
}

interface Progress {
  readonly status?: string;
  readonly error?: string;
}

/**
 * Reads a progress report to the end; resolves to its last line.
 *
 * The status of the response is always 200; a failure is one of its lines: `{"errorDetail":{"message":"Error
 * processing tar file(exit status 1): unexpected EOF"},"error":"Error processing …"}`
 */
export async function readProgress(answer: NodeJS.ReadableStream): Promise<Progress> {
  let rest = '';
  let last: Progress = {};
  answer.setEncoding('utf8');
  for await (const chunk of answer) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) last = read(line) ?? last;
  }
  return read(rest) ?? last;
}

function read(line: string): Progress | undefined {
  if (line.trim() === '') return undefined;
  const progress = JSON.parse(line) as Progress;
  if (progress.error !== undefined)
    throw Object.assign(new Error(progress.error.trim()), { statusCode: 500 });
  return progress;
}

/** What an engine tells while it works: one JSON object a line. */
interface Progress {
  readonly status?: string;
  readonly error?: string;
}

/**
 * Reads to the end what an engine tells of its progress; resolves to the last that it said.
 *
 * The answer began with 200: a failure in the middle is one of its lines.
 * `{"errorDetail":{"message":"Error processing tar file(exit status 1): unexpected EOF"},"error":"Error processing …"}`
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

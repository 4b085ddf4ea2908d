import { safeOutput } from '../core/safe-text';
import { inspectContainer, readContainerLogs, type ContainerFacts } from '../engine/container-calls';
import { demultiplex, type LogChunk } from '../engine/demultiplex';
import type { Engine } from '../engine/engine';

/** A container's state and last output, read just before its removal. */
export interface PostMortem {
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  /** `running`, `exited`, `dead`, …; `undefined` when it could not be read. */
  readonly status?: string | undefined;
  readonly exitCode?: number | undefined;
  /** The signal that killed it, derived from an exit code above 128: `SIGKILL`. */
  readonly exitSignal?: string | undefined;
  readonly isOomKilled: boolean;
  /** The engine's error when it did not start. */
  readonly error?: string | undefined;
  readonly health?: { readonly status: string; readonly log: readonly string[] } | undefined;
  /** The last lines of its output, oldest first. */
  readonly logLines: readonly LogLine[];
  /** Error messages for the fields that could not be read. */
  readonly gaps: readonly string[];
}

/** One line of a container's output. */
export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

const captureTimeoutMs = 2_000;
const maxLogLines = 50;
const maxLineLength = 1_000;

/**
 * Reads a container's state and last output, in at most 2 s. Never rejects: errors are listed in `gaps`.
 *
 * Resolves to `undefined` when the container does not exist.
 */
export async function capturePostMortem(
  engine: Engine,
  id: string,
  signal?: AbortSignal,
): Promise<PostMortem | undefined> {
  const boundedEngine = engine.within({ timeoutMs: captureTimeoutMs, signal });
  const [inspected, logs] = await Promise.all([
    inspectContainer(boundedEngine, id),
    readContainerLogs(boundedEngine, id, maxLogLines),
  ]);
  if (inspected.meaning === 'gone') return undefined;
  const facts = inspected.meaning === 'done' ? inspected.value : undefined;
  const output = logs.meaning === 'done' ? logs.value : undefined;
  const gaps = [inspected, logs].flatMap((answer) =>
    answer.meaning === 'done' ? [] : [answer.error.message],
  );
  return describePostMortem(facts, output, gaps);
}

/** Builds a post-mortem from an inspection and raw output. */
export function describePostMortem(
  facts: ContainerFacts | undefined,
  output: Buffer | undefined,
  gaps: readonly string[],
): PostMortem {
  return {
    name: facts?.name,
    image: facts?.image,
    status: facts?.status,
    exitCode: facts?.exitCode,
    exitSignal: signalOf(facts?.exitCode),
    isOomKilled: facts?.isOomKilled ?? false,
    error: facts?.error === '' ? undefined : facts?.error,
    health: facts?.health,
    logLines: output === undefined ? [] : lastLines(output, facts?.isTty ?? false),
    gaps,
  };
}

// Numbered from 1 as on Linux; on macOS, where this process may run, 10 is SIGBUS. @see signal(7), "Signal
// numbering"
const signals =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

function signalOf(exitCode: number | undefined): string | undefined {
  const name = signals[(exitCode ?? 0) - 129];
  return name === undefined ? undefined : `SIG${name}`;
}

function lastLines(output: Buffer, isTty: boolean): readonly LogLine[] {
  if (output.length === 0) return [];
  const chunks = isTty ? [{ stream: 'stdout' as const, text: output.toString('utf8') }] : demultiplex(output);
  return joinPieces(chunks)
    .flatMap(({ stream, text }) =>
      text
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
        .map((line) => ({ stream, text: shorten(line) })),
    )
    .slice(-maxLogLines);
}

// The engine splits long lines into pieces of 16 KiB; only the last piece ends in a newline.
function joinPieces(chunks: readonly LogChunk[]): readonly LogChunk[] {
  const joined: LogChunk[] = [];
  for (const chunk of chunks) {
    const last = joined.at(-1);
    if (last?.stream !== chunk.stream || last.text.endsWith('\n')) joined.push(chunk);
    else joined[joined.length - 1] = { ...last, text: last.text + chunk.text };
  }
  return joined;
}

function shorten(line: string): string {
  return line.length <= maxLineLength ? line : `${line.slice(0, maxLineLength)}… (${line.length} characters)`;
}

/** Formats the state, such as `exited, exit code 137 (SIGKILL), out of memory`. */
export function describeState({ status, exitCode, exitSignal, isOomKilled }: PostMortem): string {
  const exit =
    exitCode === undefined
      ? ''
      : `, exit code ${exitCode}${exitSignal === undefined ? '' : ` (${exitSignal})`}`;
  return `${status ?? 'state unknown'}${exit}${isOomKilled ? ', out of memory' : ''}`;
}

/**
 * Formats a post-mortem for an error message: the state in one line, then health checks and output, indented.
 */
export function formatPostMortem(postMortem: PostMortem): string {
  const { name, image, error, health, logLines, gaps } = postMortem;
  const lines = [
    `container ${name ?? '(unknown)'} of ${image ?? '(unknown image)'}: ${describeState(postMortem)}`,
    ...(error === undefined ? [] : [`engine: ${error}`]),
    ...(health === undefined
      ? []
      : [`health: ${health.status}`, ...health.log.slice(-3).map((output) => `  ${output}`)]),
    ...(logLines.length === 0 ? ['no output'] : ['last output:']),
    ...logLines.map(({ stream, text }) => (stream === 'stderr' ? `  ! ${text}` : `  | ${text}`)),
    ...gaps.map((gap) => `could not read: ${gap}`),
  ];
  return lines.map((line, index) => `${index === 0 ? '' : '  '}${safeOutput(line)}`).join('\n');
}

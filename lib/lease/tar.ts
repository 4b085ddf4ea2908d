import { dirname } from 'node:path/posix';

/** One file of an archive. */
export interface TarFile {
  /** Absolute; at most 99 bytes. */
  readonly path: string;
  readonly isExecutable?: boolean | undefined;
  readonly sizeBytes: number;
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * The archive of `files` and of the folders above them, chunk by chunk, in the ustar format: owned by root and dated 1970, so
 * that the same files are the same bytes. @see POSIX.1-2024, pax, "ustar Interchange Format"
 */
export async function* tarOf(files: readonly TarFile[]): AsyncGenerator<Uint8Array> {
  // An engine gives folders that have no entry of their own to root alone.
  for (const path of foldersOf(files)) yield header({ path, type: '5', mode: 0o755, sizeBytes: 0 });
  for (const { path, isExecutable, sizeBytes, content } of files) {
    yield header({ path, type: '0', mode: isExecutable === true ? 0o755 : 0o644, sizeBytes });
    let sentBytes = 0;
    for await (const chunk of content) {
      sentBytes += chunk.length;
      yield chunk;
    }
    if (sentBytes !== sizeBytes)
      throw new Error(`archive ${path}: it has ${sentBytes} bytes; ${sizeBytes} were announced`);
    yield Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
  }
  yield Buffer.alloc(2 * blockBytes);
}

const blockBytes = 512;

function foldersOf(files: readonly TarFile[]): readonly string[] {
  const folders = new Set<string>();
  for (const file of files) {
    for (let folder = dirname(file.path); folder !== '/'; folder = dirname(folder)) folders.add(folder);
  }
  return [...folders].toSorted();
}

interface Header {
  readonly path: string;
  readonly type: '0' | '5';
  readonly mode: number;
  readonly sizeBytes: number;
}

function header({ path, type, mode, sizeBytes }: Header): Buffer {
  const name = path.slice(1);
  if (Buffer.byteLength(name) >= 100) throw new Error(`archive ${path}: its path has more than 99 bytes`);
  const block = Buffer.alloc(blockBytes);
  const put = (offset: number, text: string): void => void block.write(text, offset);
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(sizeBytes, 11));
  put(136, octal(0, 11));
  // The sum of all bytes counts its own place as blanks.
  put(148, ' '.repeat(8));
  put(156, type);
  put(257, 'ustar\u000000');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\u0000 `);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

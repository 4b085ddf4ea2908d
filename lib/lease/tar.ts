import { dirname } from 'node:path/posix';

/** A file of an archive. */
export interface TarFile {
  /** Absolute, of at most 99 bytes. */
  readonly path: string;
  readonly isExecutable?: boolean | undefined;
  readonly sizeBytes: number;
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Yields a ustar archive of `files` and the folders above them. All entries are owned by root and dated 1970,
 * so that equal files give equal bytes.
 *
 * @throws Error for a path over 99 bytes, and for content of another length than `sizeBytes`.
 * @see POSIX.1-2024, pax, "ustar Interchange Format"
 */
export async function* tarOf(files: readonly TarFile[]): AsyncGenerator<Uint8Array> {
  // An engine creates folders without an entry with access for root only.
  for (const path of foldersOf(files)) yield header({ path, type: '5', mode: 0o755, sizeBytes: 0 });
  for (const { path, isExecutable, sizeBytes, content } of files) {
    yield header({ path, type: '0', mode: isExecutable === true ? 0o755 : 0o644, sizeBytes });
    let sentBytes = 0;
    for await (const chunk of content) {
      sentBytes += chunk.length;
      yield chunk;
    }
    if (sentBytes !== sizeBytes)
      throw new Error(`archive ${path}: got ${sentBytes} bytes, expected ${sizeBytes}`);
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
  if (Buffer.byteLength(name) >= 100) throw new Error(`archive ${path}: the path has more than 99 bytes`);
  const block = Buffer.alloc(blockBytes);
  const put = (offset: number, text: string): void => void block.write(text, offset);
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(sizeBytes, 11));
  put(136, octal(0, 11));
  // The checksum counts its own field as blanks.
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

/** A chunk of a container's output. */
export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

const streams = { 1: 'stdout', 2: 'stderr' } as const;
const headerBytes = 8;

/**
 * Splits the multiplexed output of a container without a terminal. Each frame has one byte for the stream,
 * three zero bytes, four bytes of length (big endian) and the text. The part of an incomplete last frame is
 * returned, too.
 *
 * @see Engine API, ContainerAttach, "Stream format"
 */
export function demultiplex(bytes: Buffer): readonly LogChunk[] {
  const chunks: LogChunk[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const stream = streams[bytes[at] as keyof typeof streams] ?? 'stdout';
    const end = at + headerBytes + bytes.readUInt32BE(at + 4);
    chunks.push({ stream, text: bytes.toString('utf8', at + headerBytes, Math.min(end, bytes.length)) });
    at = end;
  }
  return chunks;
}

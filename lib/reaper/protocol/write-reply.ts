import { longestLineBytes, type Reply } from './message';

/** A reply as one line that fits: of a report that is too long, the last of what is left are counted instead of named. */
export function writeReply(reply: Reply): string {
  const line = JSON.stringify(reply);
  if (!reply.ok || !reply.report?.left.length || Buffer.byteLength(line) <= longestLineBytes) return line;
  const { report, leftOut = 0 } = reply;
  const kept = Math.floor(report.left.length / 2);
  return writeReply({
    ...reply,
    report: { ...report, left: report.left.slice(0, kept) },
    leftOut: leftOut + report.left.length - kept,
  });
}

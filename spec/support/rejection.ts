/** Resolves to the error that `work` rejects with; rejects when it resolves. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  const [end] = await Promise.allSettled([work]);
  if (end.status === 'rejected') return end.reason;
  throw new Error(`a rejection expected, but it resolved to ${String(end.value)}`);
}

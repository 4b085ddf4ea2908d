/** What `work` rejects with; an error when it does not. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  const [end] = await Promise.allSettled([work]);
  if (end.status === 'rejected') return end.reason;
  throw new Error(`a rejection expected, but it resolved to ${String(end.value)}`);
}

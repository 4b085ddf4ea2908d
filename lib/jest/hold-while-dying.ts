import type { MainRun } from './main-run';

/**
 * Never resolves once a signal is ending the process, which closes the run, prints the result and exits by the
 * signal. Without castoff, Jest would have exited by then: it would run no hook and print no error of one.
 */
export async function holdWhileDying({ signals }: Pick<MainRun, 'signals'>): Promise<void> {
  if (!signals.isDying) return;
  // Where other code handles the signal too, it is delivered in a later turn: the process must still run then.
  await new Promise<never>(() => void setInterval(() => undefined, 60_000));
}
